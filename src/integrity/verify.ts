/** Verifies a trail: every record against its hash, every chain, every gap, and all of it against the signed checkpoints. Changes nothing. */

import type { JournalledRecord } from '../record.js';
import type { Trail } from '../trail/trail.js';
import { CheckpointSet, type CommittedTip } from './checkpoint-set.js';
import { type Finding, Findings, type Unproven } from './findings.js';
import { type KeyRing, NO_KEYS } from './key-ring.js';
import { isCovered, type SeqRange } from './seq-range.js';
import { StreamChain } from './stream-chain.js';

export interface VerifyOptions {
  readonly trail: Trail;
  /** Copies of checkpoints that were kept elsewhere: `{ stream, checkpoint, signature, keyId, publicKey }` each. */
  readonly copies?: readonly unknown[] | undefined;
  readonly keys?: KeyRing | undefined;
  /** RFC 3339; what was observed before is not looked at. */
  readonly since?: string | undefined;
  /** What is committed within the last so many milliseconds may still be on its way. Default 60,000. */
  readonly graceMs?: number | undefined;
  readonly nowMs: number;
  /** Told after each batch. */
  readonly onProgress?: ((records: number) => void) | undefined;
}

export interface Verification {
  readonly trail: string;
  readonly records: number;
  readonly streams: number;
  readonly checkpoints: number;
  /** When the newest record was observed. */
  readonly newest: string | undefined;
  readonly findings: readonly Finding[];
  /** Findings beyond those listed. */
  readonly leftOut: number;
  readonly unproven: readonly Unproven[];
  /** Records that a checkpoint of a believed key covers. */
  readonly signed: number;
  readonly keys: readonly string[];
  /** Keys that signed checkpoints and that nobody vouched for. */
  readonly strangers: readonly string[];
}

const GRACE_MS = 60_000;

/** @throws whatever the trail throws when it cannot be read */
export async function verifyTrail(options: VerifyOptions): Promise<Verification> {
  const { trail, keys = NO_KEYS, since } = options;
  const findings = new Findings();
  const checkpoints = new CheckpointSet(findings, keys);
  for await (const stored of trail.checkpoints()) checkpoints.add(stored);
  for (const copy of options.copies ?? []) checkpoints.add({ stream: streamOf(copy), content: copy, place: 'copy' });
  checkpoints.finish(() => since !== undefined || !trail.isComplete);
  const pass = await readThrough(options, findings, checkpoints);
  for (const fault of await trail.faults()) findings.add({ kind: 'missing', stream: '', epoch: 0, fromSeq: 0, toSeq: 0, detail: fault });
  const judged = judgeStreams(options, findings, checkpoints, pass, await trail.removed());
  judgeStaleness(options, findings, checkpoints, judged.unproven);
  const { strangers } = checkpoints;
  return {
    trail: trail.name,
    records: pass.records,
    streams: new Set([...pass.chains.values()].map(({ stream }) => stream)).size,
    checkpoints: checkpoints.count,
    newest: pass.newest,
    findings: findings.list,
    leftOut: findings.leftOut,
    ...judged,
    keys: keys.ids,
    strangers,
  };
}

interface Pass {
  readonly chains: Map<string, StreamChain>;
  readonly matched: Map<StreamChain, TipVerdict[]>;
  records: number;
  newest: string | undefined;
}

interface TipVerdict {
  readonly tip: CommittedTip;
  readonly isMatch: boolean;
}

async function readThrough({ trail, since, onProgress }: VerifyOptions, findings: Findings, checkpoints: CheckpointSet): Promise<Pass> {
  const chains = new Map<string, StreamChain>();
  const matched = new Map<StreamChain, TipVerdict[]>();
  const pass: Pass = { chains, matched, records: 0, newest: undefined };
  let current: StreamChain | undefined;
  let tips: ReadonlyMap<number, CommittedTip> = new Map();
  for await (const batch of trail.entries(since)) {
    for (const entry of batch) {
      const { record } = entry;
      pass.records += 1;
      if (record === undefined) {
        findings.add({ kind: 'modified', stream: '', epoch: 0, fromSeq: 0, toSeq: 0, detail: `${entry.where} is no record` });
        continue;
      }
      const { stream, epoch, seq, hash } = record.integrity;
      if (current?.stream !== stream || current.epoch !== epoch) {
        current = chainOf(chains, findings, stream, epoch);
        tips = checkpoints.tipsOf(stream, epoch);
      }
      current.add(entry, trail.isOrdered);
      const tip = tips.get(seq);
      if (tip !== undefined) noteTip(matched, current, { tip, isMatch: tip.hash === hash });
      if (pass.newest === undefined || record.observedTime > pass.newest) pass.newest = record.observedTime;
    }
    onProgress?.(pass.records);
  }
  return pass;
}

function chainOf(chains: Map<string, StreamChain>, findings: Findings, stream: string, epoch: number): StreamChain {
  const key = `${epoch} ${stream}`;
  const known = chains.get(key) ?? new StreamChain(stream, epoch, findings);
  chains.set(key, known);
  return known;
}

function noteTip(matched: Map<StreamChain, TipVerdict[]>, chain: StreamChain, verdict: TipVerdict): void {
  const verdicts = matched.get(chain);
  if (verdicts === undefined) matched.set(chain, [verdict]);
  else verdicts.push(verdict);
}

interface Judged {
  readonly unproven: Unproven[];
  readonly signed: number;
}

function judgeStreams(
  options: VerifyOptions,
  findings: Findings,
  checkpoints: CheckpointSet,
  pass: Pass,
  removed: readonly SeqRange[],
): Judged {
  const unproven: Unproven[] = [];
  let signed = 0;
  for (const chain of pass.chains.values()) {
    judgeGaps(options, findings, removed, chain, unproven);
    const signedUpTo = judgeTips(findings, pass.matched.get(chain) ?? [], chain);
    signed += judgeEnd(options, findings, checkpoints, chain, signedUpTo, removed, unproven);
  }
  for (const { stream, epoch } of checkpoints.streams()) {
    if (!pass.chains.has(`${epoch} ${stream}`)) judgeTail(options, findings, checkpoints, { stream, epoch, lastSeq: 0 }, removed, unproven);
  }
  return { unproven, signed };
}

function judgeGaps(
  { trail, since }: VerifyOptions,
  findings: Findings,
  removed: readonly SeqRange[],
  chain: StreamChain,
  unproven: Unproven[],
): void {
  const { stream, epoch, firstSeq } = chain;
  const missing = (from: number, to: number, detail: string): void => {
    if (isCovered(removed, chain, from, to))
      unproven.push({ kind: 'pruned', stream, fromSeq: from, toSeq: to, detail: 'were removed, as the ledger of removals says' });
    else findings.add({ kind: 'missing', stream, epoch, fromSeq: from, toSeq: to, detail });
  };
  for (const { from, to } of chain.gaps) missing(from, to, 'are not there, and records after them are');
  if (firstSeq <= 1) {
    if (!chain.isWhole) findings.add({ kind: 'modified', stream, epoch, fromSeq: 1, toSeq: 1, detail: 'does not begin the chain' });
  } else if (since !== undefined)
    unproven.push({ kind: 'since', stream, fromSeq: 1, toSeq: firstSeq - 1, detail: 'are older than --since' });
  else if (!trail.isComplete)
    unproven.push({ kind: 'trimmed', stream, fromSeq: 1, toSeq: firstSeq - 1, detail: 'are not in this part of the trail' });
  else missing(1, firstSeq - 1, 'are not there: the stream has lost its beginning');
}

/** Up to which record the stream is signed. */
function judgeTips(findings: Findings, verdicts: readonly TipVerdict[], { stream, epoch }: StreamChain): number {
  let good = 0;
  let signedUpTo = 0;
  for (const { tip, isMatch } of [...verdicts].sort((a, b) => a.tip.seq - b.tip.seq)) {
    if (isMatch) {
      good = tip.seq;
      if (tip.isTrusted) signedUpTo = tip.seq;
      continue;
    }
    const detail = `were rewritten and hashed again: the checkpoint of ${tip.time} commits another record ${tip.seq}`;
    findings.add({ kind: 'modified', stream, epoch, fromSeq: good + 1, toSeq: tip.seq, detail });
  }
  return signedUpTo;
}

/** How many of its records are signed. */
function judgeEnd(
  options: VerifyOptions,
  findings: Findings,
  checkpoints: CheckpointSet,
  chain: StreamChain,
  signedUpTo: number,
  removed: readonly SeqRange[],
  unproven: Unproven[],
): number {
  const { stream, epoch, firstSeq, lastSeq, lateFrom } = chain;
  judgeTail(options, findings, checkpoints, chain, removed, unproven);
  if (lateFrom !== undefined) {
    findings.add({
      kind: 'late',
      stream,
      epoch,
      fromSeq: lateFrom,
      toSeq: lastSeq,
      detail: 'were appended after the stream had ended and been signed',
    });
  }
  if (!chain.hasEnded)
    unproven.push({
      kind: 'open',
      stream,
      fromSeq: lastSeq + 1,
      toSeq: lastSeq + 1,
      detail: 'has no stop: it still runs, or was killed, and what came last may be lost',
    });
  // The last checkpoint's own record needs no other: it carries its signature.
  const covered = signedUpTo === lastSeq - 1 && chain.endsSigned ? lastSeq : signedUpTo;
  if (covered < lastSeq) {
    const from = Math.max(firstSeq, covered + 1);
    unproven.push({ kind: 'unsigned', stream, fromSeq: from, toSeq: lastSeq, detail: 'are covered by no checkpoint of a known key' });
  }
  return Math.max(0, Math.min(covered, lastSeq) - firstSeq + 1);
}

/** Records that a checkpoint commits behind the last one that is there. */
function judgeTail(
  { trail, since, graceMs = GRACE_MS, nowMs }: VerifyOptions,
  findings: Findings,
  checkpoints: CheckpointSet,
  { stream, epoch, lastSeq }: Pick<StreamChain, 'stream' | 'epoch' | 'lastSeq'>,
  removed: readonly SeqRange[],
  unproven: Unproven[],
): void {
  const isLookedAt = ({ seq, time }: CommittedTip): boolean => seq > lastSeq && (since === undefined || lastSeq > 0 || time >= since);
  const beyond = [...checkpoints.tipsOf(stream, epoch).values()].filter(isLookedAt).sort((a, b) => a.seq - b.seq);
  const due = beyond.filter(({ time }) => Date.parse(time) <= nowMs - graceMs);
  const [last, lastDue] = [beyond.at(-1), due.at(-1)];
  if (last === undefined) return;
  const range = { stream, fromSeq: lastSeq + 1 };
  if (!trail.isComplete) unproven.push({ ...range, kind: 'trimmed', toSeq: last.seq, detail: 'are not in this part of the trail' });
  else if (lastDue === undefined)
    unproven.push({ ...range, kind: 'pending', toSeq: last.seq, detail: 'were recorded a moment ago and may still be on their way' });
  else if (isCovered(removed, { stream, epoch }, lastSeq + 1, lastDue.seq))
    unproven.push({ ...range, kind: 'pruned', toSeq: lastDue.seq, detail: 'were removed, as the ledger of removals says' });
  else {
    const what = lastSeq === 0 ? 'are not there, nor is anything of their stream' : 'are not there: the stream was cut off';
    findings.add({
      ...range,
      kind: 'missing',
      epoch,
      toSeq: lastDue.seq,
      detail: `${what}; the checkpoint of ${lastDue.time} commits them`,
    });
  }
}

function judgeStaleness(
  { trail, graceMs = GRACE_MS, nowMs }: VerifyOptions,
  findings: Findings,
  checkpoints: CheckpointSet,
  unproven: Unproven[],
): void {
  for (const { stream, checkpoint } of checkpoints.onlyOutside()) {
    const { seq, timestamp } = checkpoint;
    const place = { stream, fromSeq: 0, toSeq: 0 };
    if (!trail.isComplete) unproven.push({ ...place, kind: 'trimmed', detail: `checkpoint ${seq} is not in this part of the trail` });
    else if (Date.parse(timestamp) > nowMs - graceMs)
      unproven.push({ ...place, kind: 'pending', detail: `checkpoint ${seq} may still be on its way` });
    else {
      const detail = `checkpoint ${seq} of ${timestamp} is known from elsewhere and not in the trail: this is an older copy, or it was cut`;
      findings.add({ ...place, kind: 'stale', epoch: 1, detail });
    }
  }
}

function streamOf(copy: unknown): string {
  const { stream } = (copy ?? {}) as Partial<JournalledRecord['integrity']>;
  return typeof stream === 'string' ? stream : '';
}
