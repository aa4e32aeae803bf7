/** One segment file open for writing. Every write names its position, so that repeating one, whole or in part, changes nothing. */

import type * as nodeFs from 'node:fs';
import { codeOf } from './atomic-file.js';
import { segmentPath } from './layout.js';

/** The file operations a writer needs; a test puts its own in place to make them fail. */
export type JournalFs = Pick<
  typeof nodeFs,
  'openSync' | 'writeSync' | 'write' | 'read' | 'fdatasync' | 'close' | 'statSync' | 'fstatSync' | 'mkdirSync' | 'readSync'
>;

const REWRITE_BYTES = 262_144;

export class Segment {
  readonly number: number;
  readonly #directory: string;
  readonly #fs: JournalFs;
  #fd: number;
  #size = 0;
  #syncedSize = 0;
  /** A sync has failed since. */
  #isDoubtful = false;
  #isClosed = false;
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
    return this.#writeAt(bytes, this.#size);
  }

  advance(written: number): void {
    this.#size += written;
  }

  /** Settles when everything written before the call is on the disk. One call at a time. */
  async sync(): Promise<void> {
    if (this.#isDoubtful) await this.#rewrite();
    const size = this.#size;
    const syncing = new Promise<void>((resolve, reject) => {
      this.#fs.fdatasync(this.#openFd(), (error) => (error ? reject(error) : resolve()));
    });
    try {
      await this.#track(syncing);
    } catch (error) {
      this.#isDoubtful = true;
      throw error;
    }
    this.#isDoubtful = false;
    this.#syncedSize = size;
  }

  /** What is still in flight must not meet a closed or reused descriptor, so it is awaited. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#inFlight;
    await new Promise<void>((resolve) => {
      this.#fs.close(this.#fd, () => resolve());
    });
  }

  /** Whether the file is still under its name: somebody may have deleted the folder, and writing would go on into nothing. Undefined: cannot be told. */
  isInPlace(): boolean | undefined {
    try {
      const named = this.#fs.statSync(this.#path);
      const open = this.#fs.fstatSync(this.#fd);
      return named.ino === open.ino && named.dev === open.dev;
    } catch (error) {
      return codeOf(error) === 'ENOENT' ? false : undefined;
    }
  }

  /** Puts the file's content back under its name, from the descriptor that still holds it. */
  restore(): void {
    // Opening it anew would empty the file, should it be there after all.
    if (this.isInPlace() !== false) return;
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
    this.#syncedSize = 0;
    void this.#inFlight.then(() => this.#fs.close(lost, () => undefined));
  }

  /**
   * After a sync that failed the kernel takes the pages for clean: the next sync succeeds without having written them
   * (https://lwn.net/Articles/752063/). Writing them anew makes them dirty again.
   */
  async #rewrite(): Promise<void> {
    const end = this.#size;
    const bytes = Buffer.allocUnsafe(REWRITE_BYTES);
    for (let at = this.#syncedSize; at < end; ) {
      const read = await this.#readAt(bytes.subarray(0, end - at), at);
      const written = await this.#writeAt(bytes.subarray(0, read), at);
      if (written === 0) throw Object.assign(new Error('what was written is gone'), { code: 'EIO' });
      at += written;
    }
  }

  #writeAt(bytes: Uint8Array, position: number): Promise<number> {
    const writing = new Promise<number>((resolve, reject) => {
      this.#fs.write(this.#openFd(), bytes, 0, bytes.length, position, (error, written) => (error ? reject(error) : resolve(written)));
    });
    return this.#track(writing);
  }

  #readAt(into: Buffer, position: number): Promise<number> {
    const reading = new Promise<number>((resolve, reject) => {
      this.#fs.read(this.#openFd(), into, 0, into.length, position, (error, read) => (error ? reject(error) : resolve(read)));
    });
    return this.#track(reading);
  }

  /** A closed one's number may be another file's by now. */
  #openFd(): number {
    if (this.#isClosed) throw Object.assign(new Error('closed'), { code: 'EBADF' });
    return this.#fd;
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
