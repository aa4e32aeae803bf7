/** The segment files of one stream: which one is written, how many bytes they hold, and how they are synced and trimmed. */

import { unlink } from 'node:fs/promises';
import { codeOf, ifThere, syncDirectory } from './atomic-file.js';
import { segmentPath } from './layout.js';
import { type JournalFs, Segment } from './segment.js';

export class StreamFiles {
  readonly #directory: string;
  readonly #segmentBytes: number;
  readonly #fs: JournalFs;
  #current: Segment | undefined;
  /** Full, and perhaps not on the disk yet. */
  #retired: Segment[] = [];
  #closedBytes = new Map<number, number>();
  #isNewName = false;
  #isClosed = false;
  #syncing: Promise<void> | undefined;
  #nextSync: Promise<void> | undefined;

  constructor(directory: string, segmentBytes: number, fs: JournalFs) {
    this.#directory = directory;
    this.#segmentBytes = segmentBytes;
    this.#fs = fs;
  }

  get bytes(): number {
    let total = this.#current?.size ?? 0;
    for (const size of this.#closedBytes.values()) total += size;
    return total;
  }

  /** The segment to write to. A new one begins only between lines: no line is ever in two files. */
  writable(isBetweenLines: boolean): Segment {
    if (this.#isClosed) throw Object.assign(new Error('closed'), { code: 'EBADF' });
    if (this.#current === undefined) return this.#open(1);
    if (this.#current.size < this.#segmentBytes || !isBetweenLines) return this.#current;
    // One that was deleted, or may have been, is put back from what is open, and would not be once another is written.
    if (this.#current.isInPlace() !== true) return this.#current;
    const full = this.#current;
    const next = this.#open(full.number + 1);
    this.#closedBytes.set(full.number, full.size);
    this.#retired.push(full);
    // One that fails is tried again by whoever syncs next.
    this.sync().catch(() => undefined);
    return next;
  }

  /** Settles when everything written before the call is on the disk. Calls that come while one runs share the next. */
  sync(): Promise<void> {
    if (this.#syncing === undefined) return this.#startSync();
    this.#nextSync ??= this.#syncing
      .catch(() => undefined)
      .then(() => {
        this.#nextSync = undefined;
        return this.#startSync();
      });
    return this.#nextSync;
  }

  /** Deletes the segments before `segment`; the one being written never goes. */
  async trim(segment: number): Promise<void> {
    for (const number of [...this.#closedBytes.keys()].sort((a, b) => a - b)) {
      if (number >= segment) return;
      await ifThere(unlink(segmentPath(this.#directory, number)));
      this.#closedBytes.delete(number);
      await this.#forget(number);
    }
  }

  /** False: somebody has deleted them, as far as can be told. */
  isInPlace(): boolean {
    return this.#current === undefined ? this.#isThere() : this.#current.isInPlace() !== false;
  }

  /** Before the first record there is only the folder. */
  #isThere(): boolean {
    try {
      this.#fs.statSync(this.#directory);
      return true;
    } catch (error) {
      return codeOf(error) !== 'ENOENT';
    }
  }

  /** Brings back what can be brought back after the folder was deleted: the segment being written. */
  restore(): void {
    this.#current?.restore();
    this.#closedBytes.clear();
    this.#isNewName = true;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#current !== undefined) this.#retired.push(this.#current);
    this.#current = undefined;
    try {
      await this.sync();
    } finally {
      await Promise.all(this.#retired.map((segment) => segment.close()));
    }
  }

  #startSync(): Promise<void> {
    this.#syncing = this.#syncAll().finally(() => {
      this.#syncing = undefined;
    });
    return this.#syncing;
  }

  async #syncAll(): Promise<void> {
    for (let [segment] = this.#retired; segment !== undefined; [segment] = this.#retired) {
      await segment.sync();
      await this.#forget(segment.number);
    }
    await this.#current?.sync();
    if (!this.#isNewName) return;
    this.#isNewName = false;
    try {
      await syncDirectory(this.#directory);
    } catch (error) {
      this.#isNewName = true;
      throw error;
    }
  }

  async #forget(number: number): Promise<void> {
    const segment = this.#retired.find((retired) => retired.number === number);
    this.#retired = this.#retired.filter((retired) => retired !== segment);
    await segment?.close();
  }

  #open(number: number): Segment {
    this.#current = new Segment(this.#directory, number, this.#fs);
    this.#isNewName = true;
    return this.#current;
  }
}
