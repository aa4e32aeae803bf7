/** One exporter in one stream: reads batches, keeps the cursor, writes the dead letters. */

import type { Acknowledgement } from '../exporter.js';
import { codeOf } from '../journal/atomic-file.js';
import { quarantinePath } from '../journal/layout.js';
import { JournalReader, type ReadEntry } from '../journal/reader.js';
import { JournalTip } from '../journal/tip.js';
import type { Warn } from '../journal/warnings.js';
import { Batch, type Settlement } from './batch.js';
import { type Cursor, readCursor, writeCursor } from './cursor.js';
import { writeDeadLetters } from './dead-letter.js';
import type { Progress, StreamSource } from './messages.js';
import type { BatchLimits } from './timing.js';

export interface LaneOptions {
  readonly exporter: string;
  readonly source: StreamSource;
  readonly limits: BatchLimits;
  readonly warn: Warn;
}

export class Lane {
  readonly #options: LaneOptions;
  readonly #reader: JournalReader;
  readonly #tip: JournalTip | undefined;
  readonly #start: Cursor;
  #cursor: Cursor;
  #syncedSegment: number;
  #batch: Batch | undefined;
  #waitingSinceMs: number | undefined;
  #isFinished = false;

  static async open(options: LaneOptions): Promise<Lane> {
    return new Lane(options, await readCursor(options.source.directory, options.exporter));
  }

  private constructor(options: LaneOptions, start: Cursor) {
    const { exporter, source, warn } = options;
    this.#options = options;
    this.#start = start;
    this.#cursor = start;
    this.#syncedSegment = start.segment;
    this.#tip = source.tip && new JournalTip(source.tip);
    this.#reader = new JournalReader({
      directory: source.directory,
      quarantineFile: quarantinePath(source.directory, exporter),
      onDamage: (what, count) =>
        warn(
          `damage ${what}`,
          `${count} record(s) of stream ${source.stream} cannot be delivered to ${exporter} (${what}); counted as dead letters`,
        ),
    });
  }

  get isFinished(): boolean {
    return this.#isFinished;
  }

  isReady(nowMs: number, isHurried: boolean): boolean {
    if (this.#isFinished) return false;
    if (this.#batch !== undefined || this.#tip === undefined) return true;
    const available = this.#tip.writtenSeq - this.#cursor.seq;
    if (available <= 0) {
      this.#waitingSinceMs = undefined;
      return false;
    }
    this.#waitingSinceMs ??= nowMs;
    return isHurried || available >= this.#options.limits.count || nowMs - this.#waitingSinceMs >= this.#options.limits.lingerMs;
  }

  /** What to offer to the exporter now; nothing if there turned out to be nothing. */
  async next(maxCount: number): Promise<readonly ReadEntry[]> {
    this.#batch ??= await this.#read();
    return this.#batch?.open(maxCount) ?? [];
  }

  async settle(offered: readonly ReadEntry[], answers: readonly Acknowledgement[]): Promise<Settlement> {
    const batch = this.#batch;
    if (batch === undefined) throw new Error('nothing was offered');
    const settlement = batch.settle(offered, answers);
    try {
      await this.#bury(settlement);
    } catch (error) {
      // What cannot be buried must not be passed: the batch is read and offered again from the cursor.
      this.#batch = undefined;
      throw error;
    }
    if (batch.isSettled) this.#batch = undefined;
    await this.#moveTo(batch.cursor);
    return settlement;
  }

  progress(retries: number, lastError: string | undefined): Progress {
    const { exporter, source } = this.#options;
    const ahead = this.#batch?.ahead ?? { delivered: 0, deadLettered: 0 };
    const { stream } = source;
    return {
      exporter,
      stream,
      start: this.#start,
      cursor: this.#cursor,
      syncedSegment: this.#syncedSegment,
      ahead,
      isFinished: this.#isFinished,
      retries,
      lastError,
    };
  }

  close(): Promise<void> {
    return this.#reader.close();
  }

  async #read(): Promise<Batch | undefined> {
    const { limits, source, warn } = this.#options;
    const read = await this.#reader.read(this.#cursor, limits.count, limits.bytes);
    this.#waitingSinceMs = undefined;
    const batch = new Batch(this.#cursor, read);
    if (read.entries.length > 0) return batch;
    await this.#moveTo(batch.cursor);
    if (this.#tip === undefined && !read.isMore) {
      if (read.tornBytes > 0)
        warn('torn', `stream ${source.stream} ends in an unfinished line of ${read.tornBytes} bytes; all before it is delivered`);
      await this.#reader.close();
      this.#isFinished = true;
    }
    return undefined;
  }

  async #bury({ rejected }: Settlement): Promise<void> {
    if (rejected.length === 0) return;
    const { exporter, source, warn } = this.#options;
    const time = new Date().toISOString();
    await writeDeadLetters(
      source.directory,
      exporter,
      rejected.map(({ record, reason }) => ({ time, exporter, reason, record })),
    );
    warn(
      'dead letter',
      `${exporter} rejected ${rejected.length} record(s) (${rejected[0]?.reason}); they are kept as dead letters in ${source.directory}`,
    );
  }

  async #moveTo(cursor: Cursor): Promise<void> {
    if (cursor.seq === this.#cursor.seq && cursor.offset === this.#cursor.offset && cursor.segment === this.#cursor.segment) return;
    this.#cursor = cursor;
    const { exporter, source, warn } = this.#options;
    try {
      await writeCursor(source.directory, exporter, cursor);
      this.#syncedSegment = cursor.segment;
    } catch (error) {
      warn('cursor', `the cursor of ${exporter} cannot be written (${codeOf(error) ?? 'unknown'}); after a crash more is offered again`);
    }
  }
}
