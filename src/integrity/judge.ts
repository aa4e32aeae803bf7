/** Judges what was read: gaps, ends, and what the checkpoints say, into findings and into what cannot be proved. */

import type { CheckpointSet, CommittedTip } from './checkpoint-set.js';
import type { FindingKind, Findings, Unproven, UnprovenKind } from './findings.js';
import { createCoverage, mergeRanges, type SeqRange } from './seq-range.js';
import type { StreamChain } from './stream-chain.js';
import type { VerifyOptions } from './verify.js';

/** A record that a checkpoint commits, and whether it is the one that is there. */
export interface TipVerdict {
  readonly tip: CommittedTip;
  readonly isMatch: boolean;
}

/** What reading through a trail left to judge. */
export interface Pass {
  readonly chains: Map<string, StreamChain>;
  readonly matched: Map<StreamChain, TipVerdict[]>;
  records: number;
  strange: number;
  newest: string | undefined;
}

export interface Judgement {
  readonly unproven: readonly Unproven[];
  /** Records that a checkpoint of a believed key covers. */
  readonly signed: number;
}

const GRACE_MS = 60_000;
const REMOVED = 'were removed, as the ledger of removals says';

export function judge(
  options: VerifyOptions,
  findings: Findings,
  checkpoints: CheckpointSet,
  pass: Pass,
  removed: readonly SeqRange[],
): Judgement {
  const merged = mergeRanges(removed);
  const matter: Matter = { options, findings, checkpoints, isRemoved: createCoverage(merged), unproven: [] };
  let signed = 0;
  for (const chain of pass.chains.values()) {
    judgeGaps(matter, chain);
    const signedUpTo = judgeTips(matter, chain, pass.matched.get(chain) ?? []);
    judgeTail(matter, chain);
    signed += judgeEnd(matter, chain, signedUpTo);
  }
  for (const { stream, epoch } of checkpoints.streams()) {
    if (!pass.chains.has(`${epoch} ${stream}`)) judgeTail(matter, { stream, epoch, lastSeq: 0 });
  }
  for (const range of [...merged.values()].flat()) judgeRemoval(matter, range, pass);
  judgeStaleness(matter);
  return { unproven: matter.unproven, signed };
}

interface Matter {
  readonly options: VerifyOptions;
  readonly findings: Findings;
  readonly checkpoints: CheckpointSet;
  readonly isRemoved: (range: SeqRange) => boolean;
  readonly unproven: Unproven[];
}

type Place = Pick<StreamChain, 'stream' | 'epoch'>;

function judgeGaps(matter: Matter, chain: StreamChain): void {
  const { trail, since } = matter.options;
  const { firstSeq } = chain;
  for (const { from, to } of chain.gaps) miss(matter, chain, from, to, 'are not there, and records after them are');
  if (firstSeq <= 1) {
    if (!chain.isWhole) find(matter, 'modified', chain, 1, 1, 'does not begin the chain');
  } else if (since !== undefined) doubt(matter, 'since', chain, 1, firstSeq - 1, 'are older than --since');
  else if (!trail.isComplete) doubt(matter, 'trimmed', chain, 1, firstSeq - 1, 'are not in this part of the trail');
  else miss(matter, chain, 1, firstSeq - 1, 'are not there: the stream has lost its beginning');
}

/** Up to which record the stream is signed. */
function judgeTips(matter: Matter, chain: StreamChain, verdicts: readonly TipVerdict[]): number {
  let good = 0;
  let signedUpTo = 0;
  for (const { tip, isMatch } of [...verdicts].sort((a, b) => a.tip.seq - b.tip.seq)) {
    if (isMatch) {
      good = tip.seq;
      if (tip.isTrusted) signedUpTo = tip.seq;
      continue;
    }
    const detail = `were rewritten and hashed again: the checkpoint of ${tip.time} commits another record ${tip.seq}`;
    find(matter, 'modified', chain, good + 1, tip.seq, detail);
  }
  return signedUpTo;
}

/** Records that a checkpoint commits behind the last one that is there. */
function judgeTail(matter: Matter, { stream, epoch, lastSeq }: Place & Pick<StreamChain, 'lastSeq'>): void {
  const { trail, since, graceMs = GRACE_MS, nowMs } = matter.options;
  const isLookedAt = ({ seq, time }: CommittedTip): boolean => seq > lastSeq && (since === undefined || lastSeq > 0 || time >= since);
  const beyond = [...matter.checkpoints.tipsOf(stream, epoch).values()].filter(isLookedAt).sort((a, b) => a.seq - b.seq);
  const last = beyond.at(-1);
  const lastDue = beyond.findLast(({ time }) => Date.parse(time) <= nowMs - graceMs);
  if (last === undefined) return;
  const place = { stream, epoch };
  if (!trail.isComplete) doubt(matter, 'trimmed', place, lastSeq + 1, last.seq, 'are not in this part of the trail');
  else if (lastDue === undefined)
    doubt(matter, 'pending', place, lastSeq + 1, last.seq, 'were recorded a moment ago and may still be on their way');
  else {
    const what = lastSeq === 0 ? 'are not there, nor is anything of their stream' : 'are not there: the stream was cut off';
    miss(matter, place, lastSeq + 1, lastDue.seq, `${what}; the checkpoint of ${lastDue.time} commits them`);
  }
}

/** How many of its records are signed. */
function judgeEnd(matter: Matter, chain: StreamChain, signedUpTo: number): number {
  const { firstSeq, lastSeq, lateFrom } = chain;
  if (lateFrom !== undefined) find(matter, 'late', chain, lateFrom, lastSeq, 'were appended after the stream had ended and been signed');
  if (!chain.hasEnded) {
    const detail = 'has no stop: it still runs, or was killed, and what came last may be lost';
    doubt(matter, 'open', chain, lastSeq + 1, lastSeq + 1, detail);
  }
  // The last checkpoint's own record needs no other: it carries its signature.
  const isSealed = signedUpTo === lastSeq - 1 && matter.checkpoints.isTrusted(chain.lastSignature);
  const covered = isSealed ? lastSeq : signedUpTo;
  if (covered < lastSeq)
    doubt(matter, 'unsigned', chain, Math.max(firstSeq, covered + 1), lastSeq, 'are covered by no checkpoint of a known key');
  return Math.max(0, Math.min(covered, lastSeq) - firstSeq + 1);
}

/** What only the ledger still knows of: no record comes after it, and no checkpoint commits it. */
function judgeRemoval(matter: Matter, range: SeqRange, { chains }: Pass): void {
  const { stream, epoch, toSeq } = range;
  // The ledger does not say when its records were observed.
  if (matter.options.since !== undefined || toSeq <= (chains.get(`${epoch} ${stream}`)?.lastSeq ?? 0)) return;
  const fromSeq = [...matter.checkpoints.tipsOf(stream, epoch).keys()].reduce((from, seq) => Math.max(from, seq + 1), range.fromSeq);
  if (fromSeq <= toSeq) doubt(matter, 'pruned', range, fromSeq, toSeq, REMOVED);
}

function judgeStaleness(matter: Matter): void {
  const { trail, graceMs = GRACE_MS, nowMs } = matter.options;
  for (const { stream, checkpoint } of matter.checkpoints.onlyOutside()) {
    const { seq, timestamp } = checkpoint;
    const place = { stream, epoch: 1 };
    if (!trail.isComplete) doubt(matter, 'trimmed', place, 0, 0, `checkpoint ${seq} is not in this part of the trail`);
    else if (Date.parse(timestamp) > nowMs - graceMs) doubt(matter, 'pending', place, 0, 0, `checkpoint ${seq} may still be on its way`);
    else {
      const detail = `checkpoint ${seq} of ${timestamp} is known from elsewhere and not in the trail: this is an older copy, or it was cut`;
      find(matter, 'stale', place, 0, 0, detail);
    }
  }
}

function miss(matter: Matter, { stream, epoch }: Place, fromSeq: number, toSeq: number, detail: string): void {
  const range = { stream, epoch, fromSeq, toSeq };
  if (matter.isRemoved(range)) doubt(matter, 'pruned', range, fromSeq, toSeq, REMOVED);
  else matter.findings.add({ kind: 'missing', ...range, detail });
}

function find(matter: Matter, kind: FindingKind, { stream, epoch }: Place, fromSeq: number, toSeq: number, detail: string): void {
  matter.findings.add({ kind, stream, epoch, fromSeq, toSeq, detail });
}

function doubt(matter: Matter, kind: UnprovenKind, { stream }: Place, fromSeq: number, toSeq: number, detail: string): void {
  matter.unproven.push({ kind, stream, fromSeq, toSeq, detail });
}
