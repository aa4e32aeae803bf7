/** One segment file open for writing. Every write names its position, so that repeating one, whole or in part, changes nothing. */

import type * as nodeFs from 'node:fs';
import { codeOf } from './atomic-file.js';
import { segmentPath } from './layout.js';

/** The file operations a writer needs; a test puts its own in place to make them fail. */
export type JournalFs = Pick<
  typeof nodeFs,
  'openSync' | 'writeSync' | 'write' | 'fdatasync' | 'close' | 'statSync' | 'fstatSync' | 'mkdirSync' | 'readSync'
>;

export class Segment {
  readonly number: number;
  readonly #directory: string;
  readonly #fs: JournalFs;
  #fd: number;
  #size = 0;
  #inFlight: Promise<unknown> = Promise.resolve();

  constructor(directory: string, number: number, fs: JournalFs) {
    this.number = number;
    this.#directory = directory;
    this.#fs = fs;
    this.#fd = this.#open('wx+');
  }

  /** Bytes written. */
  get size(): number {
    return this.#size;
  }

  /** Writes what the file system takes at once and answers how many bytes that was. */
  writeSync(bytes: Uint8Array): number {
    const written = this.#fs.writeSync(this.#fd, bytes, 0, bytes.length, this.#size);
    // Answering 0 without an error would be tried again for ever.
    if (written === 0) throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' });
    this.#size += written;
    return written;
  }

  /** Starts a write; `advance` must be called with what it answers unless a `writeSync` overtook it. */
  write(bytes: Uint8Array): Promise<number> {
    const writing = new Promise<number>((resolve, reject) => {
      this.#fs.write(this.#fd, bytes, 0, bytes.length, this.#size, (error, written) => (error ? reject(error) : resolve(written)));
    });
    return this.#track(writing);
  }

  advance(written: number): void {
    this.#size += written;
  }

  sync(): Promise<void> {
    const syncing = new Promise<void>((resolve, reject) => {
      this.#fs.fdatasync(this.#fd, (error) => (error ? reject(error) : resolve()));
    });
    return this.#track(syncing);
  }

  /** Syncs and closes. What is still in flight must not meet a closed or reused descriptor, so it is awaited. */
  async retire(): Promise<void> {
    await this.#inFlight;
    try {
      await this.sync();
    } finally {
      await new Promise<void>((resolve) => {
        this.#fs.close(this.#fd, () => resolve());
      });
    }
  }

  /** Whether the file is still under its name: somebody may have deleted the folder, and writing would go on into nothing. */
  isInPlace(): boolean {
    try {
      const named = this.#fs.statSync(this.#path);
      const open = this.#fs.fstatSync(this.#fd);
      return named.ino === open.ino && named.dev === open.dev;
    } catch (error) {
      return codeOf(error) !== 'ENOENT';
    }
  }

  /** Puts the file's content back under its name, from the descriptor that still holds it. */
  restore(): void {
    const lost = this.#fd;
    const bytes = Buffer.allocUnsafe(this.#size);
    const read = this.#fs.readSync(lost, bytes, 0, bytes.length, 0);
    // Truncates what an earlier attempt may have left.
    const fd = this.#open('w+');
    try {
      for (let at = 0; at < read; ) at += this.#fs.writeSync(fd, bytes, at, read - at, at);
    } catch (error) {
      // The old descriptor stays, so that the next attempt still has the content.
      this.#fs.close(fd, () => undefined);
      throw error;
    }
    this.#fd = fd;
    void this.#inFlight.then(() => this.#fs.close(lost, () => undefined));
  }

  #track<Value>(operation: Promise<Value>): Promise<Value> {
    this.#inFlight = Promise.allSettled([this.#inFlight, operation]);
    return operation;
  }

  get #path(): string {
    return segmentPath(this.#directory, this.number);
  }

  #open(flags: 'wx+' | 'w+'): number {
    return this.#fs.openSync(this.#path, flags, 0o600);
  }
}
