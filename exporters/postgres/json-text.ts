/** JSON objects one behind another in memory that grows, put together from members as they stand in a line. */

import { putRaw } from './json-bytes.js';

export class JsonText {
  bytes: Buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  length = 0;

  clear(): void {
    this.length = 0;
    if (this.bytes.length > KEPT_BYTES) this.bytes = Buffer.allocUnsafe(INITIAL_BYTES);
  }

  /** Adds to the object that begins at `start`, or begins it. `"name":value` is from `from` to before `to`. */
  add(start: number, bytes: Buffer, from: number, to: number): void {
    this.#reserve(to - from + 1);
    this.bytes[this.length] = start === this.length ? BRACE : COMMA;
    this.length = putRaw(bytes, from, to, this.bytes, this.length + 1);
  }

  /** Ends the object that begins at `start`. */
  end(start: number): void {
    this.#reserve(2);
    if (start === this.length) this.bytes[this.length++] = BRACE;
    this.bytes[this.length++] = END_BRACE;
  }

  #reserve(bytes: number): void {
    if (this.length + bytes <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(2 * (this.length + bytes));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }
}

const INITIAL_BYTES = 65_536;
/** Metadata and headers of a usual part. */
const KEPT_BYTES = 1_048_576;
const BRACE = 0x7b;
const END_BRACE = 0x7d;
const COMMA = 0x2c;
