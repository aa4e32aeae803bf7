/** One exporter in one stream: reads batches, keeps the cursor, writes the dead letters. */

import type { Acknowledgement } from '../exporter.js';
import { quarantinePath } from '../journal/layout.js';
import { JournalReader, type ReadBatch, type ReadEntry } from '../journal/reader.js';
import { JournalTip } from '../journal/tip.js';
import type { Warn } from '../journal/warnings.js';
import type { RecordLine } from '../record-line.js';
import { Batch, type Settlement } from './batch.js';
import { type Cursor, readCursors } from './cursor.js';
import { CursorKeeper } from './cursor-keeper.js';
import { writeDeadLetters } from './dead-letter.js';
import type { Progress, StreamSource } from './messages.js';
import type { BatchLimits } from './timing.js';

export interface LaneOptions {
  readonly exporter: string;
  readonly source: StreamSource;
  readonly limits: BatchLimits;
  readonly warn: Warn;
  readonly random: () => number;
}

export class Lane {
  readonly #options: LaneOptions;
  readonly #reader: JournalReader;
  readonly #tip: JournalTip | undefined;
  readonly #keeper: CursorKeeper;
  #batch: Batch | undefined;
  /** What follows the batch, read while the sink is at work. */
  #ahead: Promise<ReadBatch | undefined> | undefined;
  #isLive: boolean;
  /** Of another process's stream: when to look again. */
  #nextLookMs = 0;
  #waitingSinceMs: number | undefined;
  #isFinished = false;
  #isAbandoned = false;
  #nextCheckMs: number;

  static async open(options: LaneOptions): Promise<Lane> {
    const { exporter, source, warn } = options;
    return new Lane(options, await CursorKeeper.open({ directory: source.directory, exporter, warn }));
  }

  private constructor(options: LaneOptions, keeper: CursorKeeper) {
    const { exporter, source, limits } = options;
    this.#options = options;
    this.#nextCheckMs = performance.now() + limits.cursorCheckMs;
    this.#keeper = keeper;
    this.#tip = source.tip && new JournalTip(source.tip);
    this.#isLive = this.#tip !== undefined || source.isLive === true;
    this.#reader = new JournalReader({
      directory: source.directory,
      quarantineFile: quarantinePath(source.directory, exporter),
      onDamage: (what, count) => this.#warnDamage(what, count),
    });
  }

  get stream(): string {
    return this.#options.source.stream;
  }

  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** Looked at again after a while, as nobody tells when another process writes. */
  get isPolled(): boolean {
    return this.#isLive && this.#tip === undefined;
  }

  /** Nobody writes the stream any more. */
  end(): void {
    this.#isLive = false;
  }

  isReady(nowMs: number, isHurried: boolean): boolean {
    if (this.#isFinished) return false;
    if (this.#batch !== undefined || !this.#isLive) return true;
    if (this.#tip === undefined) return nowMs >= this.#nextLookMs;
    const available = this.#tip.writtenSeq - this.#keeper.current.seq;
    if (available <= 0) {
      this.#waitingSinceMs = undefined;
      return nowMs >= (this.#keeper.isUnwritten ? this.#nextLookMs : this.#nextCheckMs);
    }
    this.#waitingSinceMs ??= nowMs;
    return isHurried || available >= this.#options.limits.count || nowMs - this.#waitingSinceMs >= this.#options.limits.lingerMs;
  }

  /** What to offer to the exporter now; nothing if there turned out to be nothing. */
  async next(maxCount: number): Promise<readonly ReadEntry[]> {
    this.#batch ??= await this.#read();
    const batch = this.#batch;
    if (batch?.wantsWitness === true) {
      await this.#forgetAhead();
      batch.extend(await this.#reader.read(batch.end, 1, 1));
    }
    return batch?.offer(maxCount) ?? [];
  }

  /** Call while an offer is out: reads the next full batch meanwhile, if there is one, and tells of it. */
  readAhead(onRead: (lines: readonly RecordLine[]) => void): void {
    const { limits } = this.#options;
    const batch = this.#batch;
    if (batch === undefined || batch.isNarrow || this.#ahead !== undefined) return;
    const { end } = batch;
    if (this.#isLive && (this.#tip === undefined || this.#tip.writtenSeq - end.seq < limits.count)) return;
    // A failure shows when the batch is read in its turn.
    this.#ahead = this.#reader
      .read(end, limits.count, limits.bytes)
      .then((read) => {
        onRead(read.entries.map(({ line }) => line));
        return read;
      })
      .catch(() => undefined);
  }

  /** An exporter that never returned may still read what it was offered: that memory is not used again. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  async settle(answers: readonly Acknowledgement[]): Promise<Settlement> {
    const batch = this.#batch;
    if (batch === undefined) throw new Error('nothing was offered');
    const settlement = batch.settle(answers);
    try {
      await this.#bury(settlement);
    } catch (error) {
      // What cannot be buried must not be passed: the batch is read and offered again from the cursor.
      this.#batch = undefined;
      await this.#forgetAhead();
      throw error;
    }
    if (batch.isSettled) {
      this.#batch = undefined;
      if (!this.#isAbandoned) this.#reader.reuse(batch.chunks);
      this.#isAbandoned = false;
    }
    await this.#moveTo(batch.cursor);
    return settlement;
  }

  progress(exporterState: Pick<Progress, 'retries' | 'isBroken' | 'lastError'>): Progress {
    const { exporter, source } = this.#options;
    const ahead = this.#batch?.ahead ?? { delivered: 0, deadLettered: 0 };
    const { stream } = source;
    return {
      exporter,
      stream,
      start: this.#keeper.start,
      cursor: this.#keeper.current,
      syncedSegment: this.#keeper.syncedSegment,
      ahead,
      oldestTime: this.#batch?.oldestTime,
      isFinished: this.#isFinished,
      ...exporterState,
    };
  }

  async close(): Promise<void> {
    await this.#forgetAhead();
    await this.#reader.close();
    await this.#keeper.settled();
    if (!this.#isFinished) await this.#keeper.sync();
  }

  async #read(): Promise<Batch | undefined> {
    const { limits, source, warn, random } = this.#options;
    const wasLive = this.#isLive;
    const read = await this.#readNext();
    this.#waitingSinceMs = undefined;
    const batch = new Batch(this.#keeper.current, read, random);
    if (read.entries.length > 0) return batch;
    this.#nextLookMs = performance.now() + limits.lingerMs;
    this.#nextCheckMs = performance.now() + limits.cursorCheckMs;
    const isEnd = !wasLive && !read.isMore;
    await this.#moveTo(isEnd ? await this.#behindMissing(batch.cursor) : batch.cursor);
    if (this.#tip !== undefined) await this.#keeper.look();
    await this.#keeper.sync();
    if (isEnd) {
      if (read.tornBytes > 0)
        warn('torn', `stream ${source.stream} ends in an unfinished line of ${read.tornBytes} bytes; all before it is delivered`);
      await this.#reader.close();
      this.#isFinished = true;
    }
    return undefined;
  }

  /**
   * Records that a stream had and that nothing comes after are missing as much as those in a gap. Another exporter may have had them while
   * they were there.
   */
  async #behindMissing(cursor: Cursor): Promise<Cursor> {
    const { directory, lastSeq = 0 } = this.#options.source;
    const others = [...(await readCursors(directory)).values()];
    const missing = Math.max(0, Math.max(lastSeq, ...others.map(({ seq }) => seq)) - cursor.seq);
    if (missing > 0) this.#warnDamage('missing', missing);
    return { ...cursor, seq: cursor.seq + missing, deadLettered: cursor.deadLettered + missing };
  }

  #warnDamage(what: string, count: number): void {
    const { exporter, source, warn } = this.#options;
    warn(
      `damage ${what}`,
      `${count} record(s) of stream ${source.stream} cannot be delivered to ${exporter} (${what}); counted as dead letters`,
    );
  }

  /** From the cursor on; that is where what was read ahead begins. */
  async #readNext(): Promise<ReadBatch> {
    const { limits } = this.#options;
    const ahead = await this.#ahead;
    this.#ahead = undefined;
    return ahead !== undefined && ahead.entries.length > 0 ? ahead : this.#reader.read(this.#keeper.current, limits.count, limits.bytes);
  }

  async #forgetAhead(): Promise<void> {
    await this.#ahead;
    this.#ahead = undefined;
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
    await this.#keeper.moveTo(cursor, this.#tip !== undefined && cursor.seq >= this.#tip.writtenSeq);
  }
}
