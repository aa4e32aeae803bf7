import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MerkleTree, merklePath, rootOfPath } from '../../../src/integrity/merkle.js';

const sha256 = (...parts: readonly Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();
const hashes = (count: number): string[] => Array.from({ length: count }, (_, n) => sha256(Buffer.from(String(n))).toString('hex'));

/** RFC 6962 section 2.1, word for word: split at the largest power of two below the number of leaves. */
function mth(leaves: readonly string[]): Buffer {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return sha256(Buffer.of(0), Buffer.from(leaves[0] ?? '', 'hex'));
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256(Buffer.of(1), mth(leaves.slice(0, split)), mth(leaves.slice(split)));
}

const rootOf = (leaves: readonly string[]): string => {
  const tree = new MerkleTree();
  for (const leaf of leaves) tree.append(leaf);
  return tree.root();
};

describe('a Merkle tree', () => {
  it('has the root that RFC 6962 defines, for any number of leaves', () => {
    for (let count = 0; count <= 70; count += 1) assert.equal(rootOf(hashes(count)), mth(hashes(count)).toString('hex'));
  });

  it('has a path from every leaf to the root, and none from another leaf', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(), (count, at) => {
        const leaves = hashes(count);
        const index = at % count;
        const path = merklePath(leaves, index);
        assert.equal(rootOfPath(leaves[index] ?? '', path), rootOf(leaves));
        assert.notEqual(rootOfPath(sha256(Buffer.from('other')).toString('hex'), path), rootOf(leaves));
        assert.ok(path.length <= Math.ceil(Math.log2(count)));
      }),
      { numRuns: 100 },
    );
  });
});
