/** Verifies a trail: every record against its hash, every chain, every gap, and all of it against the signed checkpoints. Changes nothing. */

import type { StoredCheckpoint, Trail } from '../trail/trail.js';
import { CheckpointSet, type CommittedTip } from './checkpoint-set.js';
import { type Finding, Findings, type Unproven } from './findings.js';
import { judge, type Pass, type TipVerdict } from './judge.js';
import { type KeyRing, NO_KEYS } from './key-ring.js';
import { StreamChain } from './stream-chain.js';

export interface VerifyOptions {
  readonly trail: Trail;
  /** Copies of checkpoints that were kept elsewhere. */
  readonly copies?: readonly StoredCheckpoint[] | undefined;
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
  /** Of these, what has nothing of a record of ours. */
  readonly strange: number;
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

/** That nothing of ours is there to be checked: not a record, not a checkpoint. Then nothing can be said of it, neither good nor bad. */
export function isNoTrail({ records, strange, streams, checkpoints, findings, leftOut }: Verification): boolean {
  return streams + checkpoints === 0 && strange === records && findings.length + leftOut <= strange;
}

/** @throws whatever the trail throws when it cannot be read */
export async function verifyTrail(options: VerifyOptions): Promise<Verification> {
  const { trail, keys = NO_KEYS, since } = options;
  const findings = new Findings();
  const checkpoints = new CheckpointSet(findings, keys);
  for await (const stored of trail.checkpoints()) checkpoints.add(stored);
  for (const copy of options.copies ?? []) checkpoints.add(copy);
  checkpoints.finish(() => since !== undefined || !trail.isComplete);
  const pass = await readThrough(options, findings, checkpoints);
  for (const fault of await trail.faults()) findings.add({ stream: '', epoch: 0, fromSeq: 0, toSeq: 0, ...fault });
  const judgement = judge(options, findings, checkpoints, pass, await trail.removed());
  const { strangers } = checkpoints;
  return {
    trail: trail.name,
    records: pass.records,
    strange: pass.strange,
    streams: new Set([...pass.chains.values()].map(({ stream }) => stream)).size,
    checkpoints: checkpoints.count,
    newest: pass.newest,
    findings: findings.list,
    leftOut: findings.leftOut,
    ...judgement,
    keys: keys.ids,
    strangers,
  };
}

async function readThrough({ trail, since, onProgress }: VerifyOptions, findings: Findings, checkpoints: CheckpointSet): Promise<Pass> {
  const chains = new Map<string, StreamChain>();
  const matched = new Map<StreamChain, TipVerdict[]>();
  const pass: Pass = { chains, matched, records: 0, strange: 0, newest: undefined };
  let current: StreamChain | undefined;
  let tips: ReadonlyMap<number, CommittedTip> = new Map();
  for await (const batch of trail.entries(since)) {
    for (const entry of batch) {
      const { record } = entry;
      pass.records += 1;
      if (record === undefined) {
        const isStrange = entry.fault === 'not-json' || entry.fault === 'not-a-record';
        if (isStrange) pass.strange += 1;
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
      if (tip?.hash !== undefined) noteTip(matched, current, { tip, isMatch: tip.hash === hash });
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
