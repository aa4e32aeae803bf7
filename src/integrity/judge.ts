/** Judges what was read: gaps, ends, and what the checkpoints say, into findings and into what cannot be proved. */

import type { CheckpointSet, CommittedTip } from './checkpoint-set.js';
import type { Findings, Unproven } from './findings.js';
import { isCovered, type SeqRange } from './seq-range.js';
import type { StreamChain } from './stream-chain.js';
import type { VerifyOptions } from './verify.js';

const GRACE_MS = 60_000;

/** What reading through a trail left to judge. */
export interface Pass {
  readonly chains: Map<string, StreamChain>;
  readonly matched: Map<StreamChain, TipVerdict[]>;
  records: number;
  newest: string | undefined;
}

/** A record that a checkpoint commits, and whether it is the one that is there. */
export interface TipVerdict {
  readonly tip: CommittedTip;
  readonly isMatch: boolean;
}

interface Judged {
  readonly unproven: Unproven[];
  readonly signed: number;
}

export function judgeStreams(
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
  const isSealed = signedUpTo === lastSeq - 1 && checkpoints.isTrusted(chain.lastSignature);
  const covered = isSealed ? lastSeq : signedUpTo;
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

export function judgeStaleness(
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
