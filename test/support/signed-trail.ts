/** Streams with signed checkpoints, as a service leaves them, for tests that alter them. */

import { v7 } from 'uuid';
import type { CheckpointTip } from '../../src/integrity/checkpoint.js';
import { type CheckpointCopy, createCheckpointer } from '../../src/integrity/checkpointer.js';
import { parseSigningKey, type SigningKey } from '../../src/integrity/signing-key.js';
import { encodeLine, GENESIS_HASH } from '../../src/journal/chain.js';
import type { AuditRecord, JournalledRecord, JsonObject } from '../../src/record.js';
import { SYSTEM } from '../../src/record.js';
import { exampleRecord } from '../../src/testing/records.js';

export function signingKey(seed = '07'): SigningKey {
  const key = parseSigningKey(seed.repeat(32));
  if (key === undefined) throw new TypeError('no key');
  return key;
}

export interface SignedStream {
  readonly stream: string;
  readonly records: readonly JournalledRecord[];
  /** As the second place of checkpoints has them. */
  readonly copies: readonly CheckpointCopy[];
  readonly tip: CheckpointTip;
}

export interface StreamPlan {
  readonly key?: SigningKey;
  /** When each part begins; every part ends with a checkpoint. Default: one part, an hour ago. */
  readonly partsAt?: readonly number[];
  readonly recordsAPart?: number;
  readonly siblings?: readonly CheckpointTip[];
  /** False: the process was killed. */
  readonly ends?: boolean;
}

const HOUR_MS = 3_600_000;

/** start, checkpoint, records, checkpoint, records, checkpoint … stop, checkpoint. */
export async function signedStream({
  key = signingKey(),
  partsAt = [Date.now() - HOUR_MS],
  recordsAPart = 6,
  siblings = [],
  ends = true,
}: StreamPlan = {}): Promise<SignedStream> {
  const stream = v7();
  const records: JournalledRecord[] = [];
  const copies: CheckpointCopy[] = [];
  let at = partsAt[0] ?? 0;
  let link = { stream, epoch: 1, seq: 1, prevHash: GENESIS_HASH };
  const append = (record: AuditRecord): void => {
    const { line, hash } = encodeLine(record, link);
    records.push(JSON.parse(line) as JournalledRecord);
    link = { ...link, seq: link.seq + 1, prevHash: hash };
    checkpointer.appended(hash);
    at += 1000;
  };
  const life = (action: string, metadata: JsonObject): void =>
    append({ ...exampleRecord(), ...LIFE, id: v7(), ...timesAt(at), action, metadata });
  const checkpointer = createCheckpointer({
    key,
    stream,
    intervalMs: 86_400_000,
    nowMs: () => at,
    record: (metadata) => life('audit.checkpoint', metadata),
    onError: (error) => {
      throw error;
    },
    copy: (copy) => copies.push(copy),
    siblings: async () => siblings,
  });
  life('audit.start', {});
  checkpointer.start();
  // What it sees of other streams is in the next checkpoint.
  await new Promise((resolve) => setImmediate(resolve));
  for (const partAt of partsAt) {
    at = partAt;
    for (let n = 0; n < recordsAPart; n += 1) append(exampleRecord(n, timesAt(at)));
    checkpointer.seal();
  }
  if (ends) {
    life('audit.stop', { reason: 'SIGTERM' });
    checkpointer.seal();
  }
  checkpointer.end();
  const tip = { stream_id: stream, epoch: 1, sequence_number: link.seq - 1, tip_hash: link.prevHash, entry_count: link.seq - 1 };
  return { stream, records, copies, tip };
}

const LIFE = {
  kind: 'lifecycle',
  actor: SYSTEM,
  tenant: undefined,
  target: undefined,
  request: undefined,
  response: undefined,
  durationMs: undefined,
  client: undefined,
  trace: undefined,
} as const;

function timesAt(ms: number): { readonly time: string; readonly observedTime: string } {
  const time = new Date(ms).toISOString();
  return { time, observedTime: time };
}
