/** What the main thread knows of every exporter in every stream: the counters, and what may be deleted. */

import type { ExporterCounters } from '../health.js';
import type { Cursor } from './cursor.js';
import type { Progress } from './messages.js';

interface Account {
  /** Where this process began, also after the worker was restarted. */
  readonly start: Cursor;
  readonly latest: Progress;
}

interface Totals {
  delivered: number;
  deadLettered: number;
  /** Of the deliverers that ended; the present one counts from zero. */
  earlierRetries: number;
  retries: number;
  isBroken: boolean;
  lastError?: string | undefined;
}

export class Ledger {
  readonly #exporters: readonly string[];
  /** By stream, then by exporter. */
  readonly #accounts = new Map<string, Map<string, Account>>();
  /** Of streams that are gone. */
  readonly #totals = new Map<string, Totals>();

  constructor(exporters: readonly string[]) {
    this.#exporters = exporters;
    for (const exporter of exporters) this.#totals.set(exporter, { ...NO_TOTALS });
  }

  update(progress: Progress): void {
    const totals = this.#totals.get(progress.exporter);
    if (totals === undefined) return;
    const accounts = this.#accounts.get(progress.stream) ?? new Map<string, Account>();
    this.#accounts.set(progress.stream, accounts);
    accounts.set(progress.exporter, { start: accounts.get(progress.exporter)?.start ?? progress.start, latest: progress });
    if (progress.retries < totals.retries) totals.earlierRetries += totals.retries;
    totals.retries = progress.retries;
    totals.isBroken = progress.isBroken;
    totals.lastError = progress.lastError;
  }

  /** `lastSeqs`: the newest record of each stream that is served. `nowMs`: the wall clock. */
  counters(lastSeqs: ReadonlyMap<string, number>, nowMs: number = Date.now()): Record<string, ExporterCounters> {
    return Object.fromEntries(this.#exporters.map((exporter) => [exporter, this.#countersOf(exporter, lastSeqs, nowMs)]));
  }

  /** Up to which record every exporter is done with a stream; without exporters, all of it. */
  settledSeq(stream: string): number {
    return this.#least(stream, (progress) => progress.cursor.seq);
  }

  /** The segments before this one are needed by nobody. */
  neededSegment(stream: string): number {
    return this.#least(stream, (progress) => progress.syncedSegment);
  }

  isFinished(stream: string): boolean {
    const accounts = this.#accounts.get(stream);
    return this.#exporters.every((exporter) => accounts?.get(exporter)?.latest.isFinished === true);
  }

  /** Forgets a stream and keeps what was counted in it. */
  close(stream: string): void {
    for (const [exporter, account] of this.#accounts.get(stream) ?? []) {
      const totals = this.#totals.get(exporter);
      const { delivered, deadLettered } = countsOf(account);
      if (totals === undefined) continue;
      totals.delivered += delivered;
      totals.deadLettered += deadLettered;
    }
    this.#accounts.delete(stream);
  }

  #countersOf(exporter: string, lastSeqs: ReadonlyMap<string, number>, nowMs: number): ExporterCounters {
    const { delivered, deadLettered, earlierRetries, retries, isBroken, lastError } = this.#totals.get(exporter) ?? NO_TOTALS;
    const counters: ExporterCounters = {
      delivered,
      undelivered: 0,
      deadLettered,
      retries: earlierRetries + retries,
      breaker: isBroken ? 'open' : 'closed',
      oldestUndeliveredAgeMs: 0,
      lastError,
    };
    for (const [stream, lastSeq] of lastSeqs) {
      const account = this.#accounts.get(stream)?.get(exporter);
      const counts = account === undefined ? { delivered: 0, deadLettered: 0, settled: 0 } : countsOf(account);
      counters.delivered += counts.delivered;
      counters.deadLettered += counts.deadLettered;
      // A damaged last line is one more than the last whole record.
      counters.undelivered += Math.max(0, lastSeq - counts.settled);
      const oldest = account?.latest.oldestTime;
      if (oldest !== undefined) counters.oldestUndeliveredAgeMs = Math.max(counters.oldestUndeliveredAgeMs, nowMs - Date.parse(oldest));
    }
    return counters;
  }

  #least(stream: string, value: (progress: Progress) => number): number {
    const accounts = this.#accounts.get(stream);
    const values = this.#exporters.map((exporter) => {
      const account = accounts?.get(exporter);
      return account === undefined ? 0 : value(account.latest);
    });
    return Math.min(...values);
  }
}

const NO_TOTALS: Readonly<Totals> = { delivered: 0, deadLettered: 0, earlierRetries: 0, retries: 0, isBroken: false };

/** `settled` counts from the stream's first record, the others from where this process began. */
function countsOf({ start, latest: { cursor, ahead } }: Account): { delivered: number; deadLettered: number; settled: number } {
  const settled = cursor.seq + ahead.delivered + ahead.deadLettered;
  const deadLettered = cursor.deadLettered - start.deadLettered + ahead.deadLettered;
  return { delivered: settled - start.seq - deadLettered, deadLettered, settled };
}
