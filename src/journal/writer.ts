/** Moves pending lines to the stream's files: at once, or asynchronously while the disk is slow, or again later while it refuses. */

import { codeOf } from './atomic-file.js';
import type { PendingLines } from './pending-lines.js';
import type { StreamFiles } from './stream-files.js';
import type { Warn } from './warnings.js';

export interface LineWriterOptions {
  readonly pending: PendingLines;
  readonly files: StreamFiles;
  readonly mode: 'tick' | 'async';
  readonly maxBytes: number;
  readonly monotonicMs: () => number;
  readonly warn: Warn;
  /** So many more lines, and bytes, are in the file; a line may come in several pieces. */
  readonly onWritten: (lines: number, bytes: number) => void;
  /** Nothing waits any more. */
  readonly onRelief: () => void;
}

// 1 MB: a burst within one tick is written in pieces that take about half a millisecond each.
const WRITE_NOW_BYTES = 1024 * 1024;
// A quarter of what memory may hold by default: before bodies are dropped.
const MAX_BURST_BYTES = 2 * 1024 * 1024;
/** A synchronous write longer than this would be felt by every request. */
const SLOW_WRITE_MS = 20;
/** So many asynchronous writes under `FAST_WRITE_MS` in a row and the disk counts as fast again. */
const FAST_WRITES = 20;
const FAST_WRITE_MS = 5;
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 5000;

export class LineWriter {
  readonly #options: LineWriterOptions;
  #isAsync: boolean;
  #fastWrites = 0;
  #isScheduled = false;
  /** The asynchronous write under way. A flush that overtakes it forgets it. */
  #flight: Promise<void> | undefined;
  #isBetweenLines = true;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = RETRY_FIRST_MS;
  #isClosed = false;

  constructor(options: LineWriterOptions) {
    this.#options = options;
    this.#isAsync = options.mode === 'async';
  }

  /** The last write failed, and the next attempt is to come. */
  get isRefused(): boolean {
    return this.#retry !== undefined;
  }

  /** Call after each line: writes at the end of this turn of the event loop. */
  schedule(): void {
    if (this.#retry !== undefined || this.#flight !== undefined) return;
    if (this.#options.pending.size >= (this.#isAsync ? this.#burstBytes : WRITE_NOW_BYTES)) {
      this.#writeSync();
      return;
    }
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // The check phase: after everything this turn of the loop handled, before it waits again.
    setImmediate(() => {
      this.#isScheduled = false;
      if (this.#retry === undefined) this.#write();
    });
  }

  /** A slow disk cannot take asynchronously what comes within one turn: rather than drop it the writer waits for the disk. */
  get #burstBytes(): number {
    return this.#isScheduled && this.#options.mode === 'tick' ? MAX_BURST_BYTES : Number.POSITIVE_INFINITY;
  }

  flushSync(): void {
    if (this.#flight !== undefined) {
      // The write in flight keeps its memory; the same bytes go to the same position once more.
      this.#options.pending.detach();
      this.#flight = undefined;
    }
    this.#writeSync();
  }

  /** Writes what is pending now, in the present mode. Settles also if that fails. */
  async flush(): Promise<void> {
    if (!this.#isAsync) return this.flushSync();
    // Two rounds: the write in flight, and the one that takes what came after it began.
    for (let round = 0; round < 2; round += 1) {
      if (this.#flight === undefined) this.#writeAsync();
      await this.#flight;
    }
  }

  /** One last attempt. */
  close(): void {
    this.#isClosed = true;
    this.flushSync();
    clearTimeout(this.#retry);
  }

  #write(): void {
    if (this.#isAsync) this.#writeAsync();
    else this.#writeSync();
  }

  #writeSync(): void {
    const { pending, files, monotonicMs } = this.#options;
    if (pending.size === 0) return;
    const started = monotonicMs();
    try {
      this.#checkRoom();
      while (pending.size > 0) {
        const bytes = pending.view();
        this.#wrote(files.writable(this.#isBetweenLines).writeSync(bytes), bytes.length);
      }
    } catch (error) {
      this.#failed(error);
      return;
    }
    this.#succeeded();
    const tookMs = monotonicMs() - started;
    if (this.#isAsync || tookMs <= SLOW_WRITE_MS) return;
    this.#isAsync = true;
    this.#fastWrites = 0;
    this.#options.warn('slow', `a journal write took ${Math.round(tookMs)} ms; writing asynchronously until the disk is fast again`);
  }

  #writeAsync(): void {
    const { pending, monotonicMs } = this.#options;
    if (this.#flight !== undefined || pending.size === 0) return;
    const started = monotonicMs();
    const isCurrent = () => this.#flight === flight;
    const flight: Promise<void> = this.#writeOnce(isCurrent)
      .then(
        () => isCurrent() && this.#noticeSpeed(monotonicMs() - started),
        (error: unknown) => isCurrent() && this.#failed(error),
      )
      .then(() => {
        if (!isCurrent()) return;
        this.#flight = undefined;
        if (pending.size > 0 && this.#retry === undefined) this.#write();
      });
    this.#flight = flight;
  }

  async #writeOnce(isCurrent: () => boolean): Promise<void> {
    this.#checkRoom();
    const bytes = this.#options.pending.view();
    const segment = this.#options.files.writable(this.#isBetweenLines);
    const written = await segment.write(bytes);
    if (!isCurrent()) return;
    segment.advance(written);
    this.#wrote(written, bytes.length);
    this.#succeeded();
  }

  #wrote(written: number, offered: number): void {
    this.#isBetweenLines = written === offered;
    this.#options.onWritten(this.#options.pending.consume(written), written);
  }

  #succeeded(): void {
    if (this.#retry !== undefined) this.#options.warn('healed', 'the journal can be written again');
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#retryMs = RETRY_FIRST_MS;
    if (this.#options.pending.size === 0) this.#options.onRelief();
  }

  #noticeSpeed(tookMs: number): void {
    this.#fastWrites = tookMs < FAST_WRITE_MS ? this.#fastWrites + 1 : 0;
    if (this.#options.mode === 'tick' && this.#fastWrites >= FAST_WRITES) this.#isAsync = false;
  }

  #failed(error: unknown): void {
    const code = codeOf(error) ?? 'unknown';
    this.#options.warn(
      `write ${code}`,
      `the journal cannot be written (${code}); records wait in memory and are dropped, counted, when that is full`,
    );
    if (this.#isClosed) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#write(), this.#retryMs).unref();
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MAX_MS);
  }

  #checkRoom(): void {
    const { files, pending, maxBytes } = this.#options;
    if (files.bytes + pending.size > maxBytes) throw Object.assign(new Error('full'), { code: 'AUDIT_JOURNAL_MAX_BYTES reached' });
  }
}
