/** Delivery in a service that leaves it to `otel-audit deliver`: reads its cursors for the counters, and bounds the journal. Never delivers. */

import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ExporterCounters } from '../health.js';
import type { Journal } from '../journal/journal-contract.js';
import { segmentNumber } from '../journal/layout.js';
import { limitWarnings } from '../journal/warnings.js';
import { type NamedCursor, readCursors } from './cursor.js';
import type { Delivery, FlushResult, ShutdownResult } from './delivery-contract.js';
import { isServed } from './host-lease.js';

export interface ExternalOptions {
  readonly journal: Journal;
  readonly onWarning: (message: string) => void;
}

const LOOK_MS = 1000;
/** A deliverer that is being updated is away for some seconds. */
const UNSERVED_MS = 60_000;

export function leaveToOthers(options: ExternalOptions): Delivery {
  return new ExternalDelivery(options);
}

class ExternalDelivery implements Delivery {
  readonly ready = Promise.resolve([]);
  readonly #journal: Journal;
  readonly #warn: (key: string, message: string) => void;
  readonly #timer: NodeJS.Timeout;
  #cursors: readonly NamedCursor[] = [];
  #servedMs = performance.now();

  constructor({ journal, onWarning }: ExternalOptions) {
    this.#journal = journal;
    this.#warn = limitWarnings(onWarning, () => performance.now());
    this.#timer = setInterval(() => void this.#look().catch(() => undefined), LOOK_MS).unref();
  }

  counters(): Record<string, ExporterCounters> {
    const written = this.#journal.tip.writtenSeq;
    const counters = this.#cursors.map(({ exporter, seq, deadLettered }): [string, ExporterCounters] => [
      exporter,
      {
        delivered: seq - deadLettered,
        undelivered: Math.max(0, written - seq),
        deadLettered,
        retries: 0,
        breaker: 'closed',
        oldestUndeliveredAgeMs: 0,
      },
    ]);
    return Object.fromEntries(counters);
  }

  /** On the disk is all that this process can see to. */
  async flush(): Promise<FlushResult> {
    const isComplete = await this.#journal.sync().then(
      () => true,
      () => false,
    );
    return { isComplete, counters: this.counters() };
  }

  async shutdown(): Promise<ShutdownResult> {
    clearInterval(this.#timer);
    // Never the journal's end: the stream is the deliverer's to remove.
    return { ...(await this.flush()), settledSeq: -1 };
  }

  async #look(): Promise<void> {
    this.#cursors = [...(await readCursors(this.#journal.directory)).values()];
    const segments = (await readdir(this.#journal.directory)).map(segmentNumber).filter((number) => number !== undefined);
    // What the deliverer deleted makes room; the writer has to be told.
    if (segments.length > 0) await this.#journal.trim(Math.min(...segments));
    await this.#watch();
  }

  async #watch(): Promise<void> {
    const now = performance.now();
    const directory = dirname(this.#journal.directory);
    if (await isServed(directory)) this.#servedMs = now;
    if (now - this.#servedMs < UNSERVED_MS) return;
    this.#warn('unserved', `nobody delivers the records in ${directory}; start \`otel-audit deliver --journal ${directory}\``);
  }
}
