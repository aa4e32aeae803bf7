/** Makes the checkpoints of one stream: at its start, at intervals, also when idle, and at its end. It must never throw into the service. */

import { isoTime } from '../clock.js';
import { GENESIS_HASH } from '../journal/chain.js';
import type { JsonObject } from '../record.js';
import { type CheckpointTip, hashCheckpoint, MERKLE_PREFIX, type SignedCheckpoint, signCheckpoint } from './checkpoint.js';
import { MerkleTree } from './merkle.js';
import type { SigningKey } from './signing-key.js';

export interface CheckpointerParts {
  readonly key: SigningKey;
  readonly stream: string;
  readonly intervalMs: number;
  readonly nowMs: () => number;
  /** Puts the checkpoint into the stream itself, as a record, and so into every sink. */
  readonly record: (metadata: JsonObject) => void;
  /** Keeps it in another place as well. Must not throw. */
  readonly copy: (copy: CheckpointCopy) => void;
  readonly onError: (error: unknown) => void;
  /** Tips of the other streams that can be seen from here. */
  readonly siblings: () => Promise<readonly CheckpointTip[]>;
}

/** What is kept outside of the trail: says in whose chain of checkpoints it stands. */
export interface CheckpointCopy extends SignedCheckpoint {
  readonly stream: string;
}

export interface Checkpointer {
  /** Told of every record of the stream, in order, those with checkpoints too. */
  appended(recordHash: string): void;
  /** The first checkpoint, and then one an interval. */
  start(): void;
  /** A checkpoint now, if anything but the last checkpoint's own record came after it. Synchronous. */
  seal(): void;
  end(): void;
}

/** A journal has one epoch. */
const EPOCH = 1;

export function createCheckpointer(parts: CheckpointerParts): Checkpointer {
  const { key, stream } = parts;
  let tree = new MerkleTree();
  let tip = { seq: 0, hash: GENESIS_HASH };
  let previous = { seq: 0, hash: GENESIS_HASH };
  let siblings: readonly CheckpointTip[] = [];
  let timer: NodeJS.Timeout | undefined;
  let hasEnded = false;

  const commit = (): void => {
    try {
      sign();
    } catch (error) {
      parts.onError(error);
    }
  };
  const sign = (): void => {
    const own = { stream_id: stream, epoch: EPOCH, sequence_number: tip.seq, tip_hash: tip.hash, entry_count: tip.seq };
    const leaves = { ...own, stream_id: `${MERKLE_PREFIX}${stream}`, tip_hash: tree.root(), entry_count: tree.size };
    const checkpoint = {
      prev_hash: previous.hash,
      seq: previous.seq + 1,
      timestamp: isoTime(parts.nowMs()),
      tips: [own, leaves, ...siblings],
    };
    const signed = signCheckpoint(checkpoint, key);
    tree = new MerkleTree();
    previous = { seq: checkpoint.seq, hash: hashCheckpoint(checkpoint) };
    parts.record(metadataOf(signed));
    parts.copy({ stream, ...signed });
  };
  const look = async (): Promise<void> => {
    siblings = await parts.siblings().catch(() => siblings);
  };
  return {
    appended(recordHash) {
      tip = { seq: tip.seq + 1, hash: recordHash };
      tree.append(recordHash);
    },
    start() {
      if (hasEnded || timer !== undefined) return;
      commit();
      // Not waited for: a process that ends at once has its checkpoint all the same.
      void look();
      timer = setInterval(() => void look().then(() => hasEnded || commit()), parts.intervalMs).unref();
    },
    seal() {
      // One leaf: the record of the last checkpoint itself.
      if (!hasEnded && previous.seq > 0 && tree.size > 1) commit();
    },
    end() {
      hasEnded = true;
      clearInterval(timer);
    },
  };
}

function metadataOf({ checkpoint, signature, keyId, publicKey }: SignedCheckpoint): JsonObject {
  return { checkpoint: { ...checkpoint, tips: checkpoint.tips.map((tip) => ({ ...tip })) }, signature, keyId, publicKey };
}
