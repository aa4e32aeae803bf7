/** A batch on its way: which of its records are settled, which must be offered again, and how far the cursor may go. */

import type { Acknowledgement } from '../exporter.js';
import type { ReadBatch, ReadEntry } from '../journal/reader.js';
import type { JournalledRecord } from '../record.js';
import type { Cursor } from './cursor.js';

type State = 'open' | 'delivered' | 'rejected';

/** What one answer of the exporter did. */
export interface Settlement {
  readonly delivered: number;
  readonly rejected: readonly { readonly record: JournalledRecord; readonly reason: string }[];
  readonly retried: number;
  readonly reason?: string | undefined;
  /** The longest wait the exporter asked for. */
  readonly afterMs?: number | undefined;
}

export class Batch {
  readonly #start: Cursor;
  readonly #read: ReadBatch;
  readonly #states: State[];

  constructor(start: Cursor, read: ReadBatch) {
    this.#start = start;
    this.#read = read;
    this.#states = read.entries.map(() => 'open');
  }

  get isSettled(): boolean {
    return this.#states.every((state) => state !== 'open');
  }

  /** What to offer next, in journal order. */
  open(maxCount: number): readonly ReadEntry[] {
    return this.#read.entries.filter((_, index) => this.#states[index] === 'open').slice(0, maxCount);
  }

  /** Applies the answers to what `open` gave out. Answers of the wrong number count as `retry` for all. */
  settle(offered: readonly ReadEntry[], answers: readonly Acknowledgement[]): Settlement {
    if (!Array.isArray(answers) || answers.length !== offered.length) {
      return { delivered: 0, rejected: [], retried: offered.length, reason: 'the exporter answered the wrong number of acknowledgements' };
    }
    const rejected: { record: JournalledRecord; reason: string }[] = [];
    let delivered = 0;
    let reason: string | undefined;
    let afterMs: number | undefined;
    const open = this.#states.flatMap((state, index) => (state === 'open' ? [index] : []));
    for (const [nth, answer] of answers.entries()) {
      const index = open[nth] ?? -1;
      const record = offered[nth]?.record;
      if (answer?.status === 'delivered') {
        delivered += 1;
        this.#states[index] = 'delivered';
      } else if (answer?.status === 'rejected' && record !== undefined) {
        rejected.push({ record, reason: answer.reason });
        this.#states[index] = 'rejected';
      } else if (answer?.status === 'retry') {
        reason ??= answer.reason;
        if (answer.afterMs !== undefined) afterMs = Math.max(afterMs ?? 0, answer.afterMs);
      }
    }
    return { delivered, rejected, retried: offered.length - delivered - rejected.length, reason, afterMs };
  }

  /** Behind the last record before which nothing is open. */
  get cursor(): Cursor {
    let cursor = this.#start;
    for (const [index, entry] of this.#read.entries.entries()) {
      const state = this.#states[index];
      if (state === 'open') return cursor;
      cursor = { ...entry.position, deadLettered: cursor.deadLettered + entry.skipped + (state === 'rejected' ? 1 : 0) };
    }
    return { ...this.#read.end, deadLettered: cursor.deadLettered + this.#read.skipped };
  }

  /** Settled records beyond the cursor: counted, and offered again only after a crash. */
  get ahead(): { readonly delivered: number; readonly deadLettered: number } {
    const first = this.#states.indexOf('open');
    const beyond = first === -1 ? [] : this.#states.slice(first);
    return { delivered: countOf(beyond, 'delivered'), deadLettered: countOf(beyond, 'rejected') };
  }
}

function countOf(states: readonly State[], wanted: State): number {
  return states.filter((state) => state === wanted).length;
}
