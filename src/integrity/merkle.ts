/** Merkle trees over record hashes, as RFC 6962 builds them: one root a checkpoint, and a short path that proves one record. */

import * as crypto from 'node:crypto';

// RFC 6962 section 2.1: the prefixes keep a leaf from being taken for a node.
const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);

/** Grows leaf by leaf and keeps only the roots of its whole subtrees: 32 bytes a level, not a leaf. */
export class MerkleTree {
  /** Roots of perfect subtrees, the largest first; their sizes are the bits of `size`. */
  readonly #roots: Buffer[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @param recordHash `integrity.hash` of a record: 64 hex digits */
  append(recordHash: string): void {
    let node = leafOf(recordHash);
    for (let size = this.#size; size % 2 === 1; size = (size - 1) / 2) node = nodeOf(this.#roots.pop() ?? node, node);
    this.#roots.push(node);
    this.#size += 1;
  }

  /** Hex; SHA-256 of the empty string for a tree without leaves. */
  root(): string {
    const last = this.#roots.at(-1);
    if (last === undefined) return sha256().toString('hex');
    return this.#roots
      .slice(0, -1)
      .reduceRight((right, left) => nodeOf(left, right), last)
      .toString('hex');
  }
}

export interface PathStep {
  /** On which side of what has been computed so far this hash stands. */
  readonly side: 'left' | 'right';
  readonly hash: string;
}

/** From the leaf at `index` up to the root, which the steps together with the leaf give. */
export function merklePath(recordHashes: readonly string[], index: number): readonly PathStep[] {
  let level = recordHashes.map(leafOf);
  const path: PathStep[] = [];
  for (let at = index; level.length > 1; at = Math.floor(at / 2)) {
    const sibling = level[at % 2 === 0 ? at + 1 : at - 1];
    if (sibling !== undefined) path.push({ side: at % 2 === 0 ? 'right' : 'left', hash: sibling.toString('hex') });
    level = parentsOf(level);
  }
  return path;
}

/** The root that a record and its path lead to. */
export function rootOfPath(recordHash: string, path: readonly PathStep[]): string {
  let node = leafOf(recordHash);
  for (const { side, hash } of path) {
    const sibling = Buffer.from(hash, 'hex');
    node = side === 'left' ? nodeOf(sibling, node) : nodeOf(node, sibling);
  }
  return node.toString('hex');
}

/** A node without a sibling moves up as it is: the same tree as RFC 6962's split at the largest power of two. */
function parentsOf(level: readonly Buffer[]): Buffer[] {
  const parents: Buffer[] = [];
  for (let at = 0; at < level.length; at += 2) {
    const [left, right] = [level[at] as Buffer, level[at + 1]];
    parents.push(right === undefined ? left : nodeOf(left, right));
  }
  return parents;
}

function leafOf(recordHash: string): Buffer {
  return sha256(LEAF, Buffer.from(recordHash, 'hex'));
}

function nodeOf(left: Buffer, right: Buffer): Buffer {
  return sha256(NODE, left, right);
}

function sha256(...parts: readonly Buffer[]): Buffer {
  return crypto.hash('sha256', Buffer.concat(parts), 'buffer');
}
