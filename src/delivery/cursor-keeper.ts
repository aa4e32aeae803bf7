/** An exporter's cursor in a stream, in memory and on the disk: stored after every batch, synced where something hangs on it. */

import { codeOf } from '../journal/atomic-file.js';
import type { ReadPosition } from '../journal/reader.js';
import type { Warn } from '../journal/warnings.js';
import { type Cursor, readCursor, syncCursor, writeCursor } from './cursor.js';

export interface CursorKeeperOptions {
  readonly directory: string;
  readonly exporter: string;
  readonly warn: Warn;
}

export class CursorKeeper {
  /** Where this process began. */
  readonly start: Cursor;
  readonly #options: CursorKeeperOptions;
  #current: Cursor;
  /** The one that is on the disk. */
  #synced: Cursor;
  /** The file does not say what it should: it is written also when nothing comes. */
  #isUnwritten = false;
  /** Under way: what is on the disk will be what was stored when it began. */
  #syncing: Promise<void> | undefined;

  static async open(options: CursorKeeperOptions): Promise<CursorKeeper> {
    return new CursorKeeper(options, await readCursor(options.directory, options.exporter));
  }

  private constructor(options: CursorKeeperOptions, start: Cursor) {
    this.#options = options;
    this.start = start;
    this.#current = start;
    this.#synced = start;
  }

  get current(): Cursor {
    return this.#current;
  }

  /** Segments before it may be deleted. */
  get syncedSegment(): number {
    return this.#synced.segment;
  }

  get isUnwritten(): boolean {
    return this.#isUnwritten;
  }

  /** `isIdle`: nothing is left to do meanwhile. */
  async moveTo(cursor: Cursor, isIdle: boolean): Promise<void> {
    if (isSame(cursor, this.#current)) return;
    this.#current = cursor;
    if (isIdle) return await this.#store(syncCursor);
    await this.#store(writeCursor);
    // Once a segment, which is when there is something to delete.
    if (!this.#isUnwritten && cursor.segment !== this.#synced.segment) this.#syncing ??= this.#syncMeanwhile(cursor);
  }

  /** Whoever took this process for dead has moved the cursor too, or has deleted the stream, whose writer puts back what it wrote. */
  async look(): Promise<void> {
    const { directory, exporter } = this.#options;
    const stored = await readCursor(directory, exporter).catch(() => undefined);
    if (stored === undefined || !isSame(stored, this.#current)) this.#isUnwritten = true;
  }

  async sync(): Promise<void> {
    if (this.#isUnwritten || !isSame(this.#current, this.#synced)) await this.#store(syncCursor);
  }

  /** Settles when nothing is being stored any more. */
  async settled(): Promise<void> {
    await this.#syncing;
  }

  /** The sink does not wait for the disk. */
  async #syncMeanwhile(cursor: Cursor): Promise<void> {
    const { directory, exporter } = this.#options;
    try {
      await syncCursor(directory, exporter, cursor);
      this.#synced = cursor;
    } catch (error) {
      this.#warnUnwritten(error);
    } finally {
      this.#syncing = undefined;
    }
  }

  async #store(store: typeof syncCursor): Promise<void> {
    const { directory, exporter } = this.#options;
    const cursor = this.#current;
    try {
      if (store === syncCursor) await this.#syncing;
      await store(directory, exporter, cursor);
      if (store === syncCursor) this.#synced = cursor;
      this.#isUnwritten = false;
    } catch (error) {
      this.#warnUnwritten(error);
    }
  }

  #warnUnwritten(error: unknown): void {
    const { exporter, warn } = this.#options;
    this.#isUnwritten = true;
    warn('cursor', `the cursor of ${exporter} cannot be written (${codeOf(error) ?? 'unknown'}); after a crash more is offered again`);
  }
}

function isSame(one: ReadPosition, other: ReadPosition): boolean {
  return one.seq === other.seq && one.offset === other.offset && one.segment === other.segment;
}
