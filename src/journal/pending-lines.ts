/** The lines that are not in the file yet: one growing byte buffer, so that a tick's lines are one write. */

import type { AuditRecord } from '../record.js';
import { type ChainLink, HASH_MEMBER_BYTES, hashMember, sha256, splitLine } from './chain.js';

// 256 KB: a tick of a hundred records of 2 KB without growing.
const INITIAL_BYTES = 262_144;
// 2 MB: what a busy second's ticks grow it to, kept for the next: fresh memory costs as much as what is written to it.
const KEPT_BYTES = 8 * INITIAL_BYTES;
const LINE_FEED = 10;
/** UTF-8 needs at most three bytes for a UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3;

export class PendingLines {
  #bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  #start = 0;
  #end = 0;
  #lines = 0;

  readonly #seal: ((line: Uint8Array) => string) | undefined;

  /** `seal` makes of each line what is written in its place. */
  constructor(seal?: (line: Uint8Array) => string) {
    this.#seal = seal;
  }

  get size(): number {
    return this.#end - this.#start;
  }

  /** The bytes not written yet. Stays valid while lines are added: growing copies, it never moves. */
  view(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  /** Encodes behind the last line; it counts only once `commit` is called with what this returns. */
  encode(record: AuditRecord, link: ChainLink): { readonly hash: string; readonly byteLength: number } {
    const { head, tail } = splitLine(record, link);
    this.#reserve((head.length + tail.length) * MAX_BYTES_PER_UNIT + HASH_MEMBER_BYTES + 1);
    const bytes = this.#bytes;
    const cut = this.#end + bytes.write(head, this.#end, 'utf8');
    const end = cut + bytes.write(tail, cut, 'utf8');
    const hash = sha256(bytes.subarray(this.#end, end));
    // The hash covers the text as it lies there; only then does the tail make room for it. One encoding instead of two.
    bytes.copyWithin(cut + HASH_MEMBER_BYTES, cut, end);
    bytes.write(hashMember(hash), cut, 'latin1');
    const sealedEnd = this.#sealed(end + HASH_MEMBER_BYTES);
    this.#bytes[sealedEnd] = LINE_FEED;
    return { hash, byteLength: sealedEnd + 1 - this.#end };
  }

  /** Puts the sealed line where the plain one lies, and answers where it ends. */
  #sealed(end: number): number {
    if (this.#seal === undefined) return end;
    const text = this.#seal(this.#bytes.subarray(this.#end, end));
    this.#reserve(text.length + 1);
    return this.#end + this.#bytes.write(text, this.#end, 'latin1');
  }

  commit(byteLength: number): void {
    this.#end += byteLength;
    this.#lines += 1;
  }

  /** Takes written bytes away and says how many lines ended in them. */
  consume(byteLength: number): number {
    const until = this.#start + byteLength;
    const lines = until === this.#end ? this.#lines : this.#count(until);
    this.#lines -= lines;
    this.#start = until;
    if (this.#start === this.#end) this.#reset();
    return lines;
  }

  #count(until: number): number {
    let lines = 0;
    for (let at = this.#bytes.indexOf(LINE_FEED, this.#start); at !== -1 && at < until; at = this.#bytes.indexOf(LINE_FEED, at + 1))
      lines += 1;
    return lines;
  }

  /** Leaves the present memory to whoever still writes from it. */
  detach(): void {
    const copy = Buffer.allocUnsafeSlow(this.#bytes.length);
    this.#bytes.copy(copy, this.#start, this.#start, this.#end);
    this.#bytes = copy;
  }

  #reset(): void {
    this.#start = 0;
    this.#end = 0;
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  }

  #reserve(byteLength: number): void {
    if (this.#end + byteLength <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.size + byteLength, 2 * this.#bytes.length));
    this.#bytes.copy(grown, 0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
    this.#bytes = grown;
  }
}
