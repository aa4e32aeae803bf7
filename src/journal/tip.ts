/** How far a stream is written, in memory that the delivery worker shares: it learns of new records without a message. */

const SLOTS = 1;

export class JournalTip {
  readonly buffer: SharedArrayBuffer;
  readonly #slots: BigInt64Array;

  /** `buffer`: the other side's, as it came through `workerData`. */
  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(SLOTS * BigInt64Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#slots = new BigInt64Array(buffer);
  }

  /** Sequence number of the newest record that is in the file; 0 before the first. */
  get writtenSeq(): number {
    return Number(Atomics.load(this.#slots, 0));
  }

  publish(writtenSeq: number): void {
    Atomics.store(this.#slots, 0, BigInt(writtenSeq));
  }
}
