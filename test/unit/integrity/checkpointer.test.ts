import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { followsCheckpoint, isIntactCheckpoint } from '../../../src/integrity/checkpoint.js';
import { type CheckpointCopy, type Checkpointer, type CheckpointerParts, createCheckpointer } from '../../../src/integrity/checkpointer.js';
import { MerkleTree } from '../../../src/integrity/merkle.js';
import { GENESIS_HASH, sha256 } from '../../../src/journal/chain.js';
import { signingKey } from '../../support/signed-trail.js';
import { until } from '../../support/waiting.js';

interface Made {
  readonly checkpointer: Checkpointer;
  readonly copies: readonly CheckpointCopy[];
  readonly errors: readonly unknown[];
  append(hash: string): void;
}

/** Each checkpoint's record is appended to the stream, as the journal does it. */
function make(changes: Partial<CheckpointerParts> = {}): Made {
  const copies: CheckpointCopy[] = [];
  const errors: unknown[] = [];
  let n = 0;
  const checkpointer = createCheckpointer({
    key: signingKey(),
    stream: 'own',
    intervalMs: 86_400_000,
    nowMs: () => 1_800_000_000_000,
    record: () => checkpointer.appended(sha256(`checkpoint ${n++}`)),
    copy: (copy) => copies.push(copy),
    onError: (error) => errors.push(error),
    siblings: async () => [],
    ...changes,
  });
  return { checkpointer, copies, errors, append: (hash) => checkpointer.appended(hash) };
}

describe('a checkpointer', () => {
  it('commits the tip and the Merkle root of what came since the checkpoint before', () => {
    const { checkpointer, copies, append } = make();
    append(sha256('a'));
    checkpointer.start();
    append(sha256('b'));
    append(sha256('c'));
    checkpointer.seal();
    const tree = new MerkleTree();
    for (const hash of [sha256('checkpoint 0'), sha256('b'), sha256('c')]) tree.append(hash);
    assert.deepEqual(copies[1]?.checkpoint.tips, [
      { stream_id: 'merkle:own', epoch: 1, sequence_number: 4, tip_hash: tree.root(), entry_count: 3 },
      { stream_id: 'own', epoch: 1, sequence_number: 4, tip_hash: sha256('c'), entry_count: 4 },
    ]);
  });

  it('signs a chain of its own, one an interval, also when nothing happens', async () => {
    const { checkpointer, copies } = make({ intervalMs: 1 });
    checkpointer.start();
    await until('five checkpoints are made', () => copies.length >= 5);
    checkpointer.end();
    copies.forEach((copy, index) => {
      assert.ok(isIntactCheckpoint(copy));
      assert.ok(followsCheckpoint(copy.checkpoint, copies[index - 1]?.checkpoint));
    });
    assert.equal(copies[0]?.checkpoint.prev_hash, GENESIS_HASH);
  });

  it('has nothing to seal when only its own record came', () => {
    const { checkpointer, copies, append } = make();
    checkpointer.seal();
    assert.equal(copies.length, 0);
    checkpointer.start();
    checkpointer.start();
    checkpointer.seal();
    assert.equal(copies.length, 1);
    append(sha256('a'));
    checkpointer.end();
    checkpointer.seal();
    assert.equal(copies.length, 1);
  });

  it('vouches for its neighbours, and keeps what it knew of them when they cannot be read', async () => {
    const neighbour = { stream_id: 'other', epoch: 1, sequence_number: 7, tip_hash: 'ab', entry_count: 7 };
    let looks = 0;
    const siblings = async () => {
      looks += 1;
      if (looks > 1) throw new Error('gone');
      return [neighbour];
    };
    const { checkpointer, copies } = make({ intervalMs: 1, siblings });
    checkpointer.start();
    await until('three checkpoints are made', () => copies.length >= 3);
    checkpointer.end();
    assert.deepEqual(
      copies.at(-1)?.checkpoint.tips.find(({ stream_id }) => stream_id === 'other'),
      neighbour,
    );
  });

  it('keeps what goes wrong from the service', () => {
    const fault = new Error('no');
    const { checkpointer, errors } = make({
      record: () => {
        throw fault;
      },
    });
    checkpointer.start();
    assert.deepEqual(errors, [fault]);
    checkpointer.end();
  });
});
