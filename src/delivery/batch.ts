/** A batch on its way: which of its records are settled, which must be offered again, and how far the cursor may go. */

import type { Acknowledgement } from '../exporter.js';
import type { Chunk } from '../journal/chunks.js';
import type { ReadBatch, ReadEntry, ReadPosition } from '../journal/reader.js';
import type { JournalledRecord } from '../record.js';
import type { Cursor } from './cursor.js';
import { Narrowing, STRIKES } from './narrowing.js';

type State = 'open' | 'delivered' | 'rejected';

/** What one answer of the exporter did. */
export interface Settlement {
  readonly delivered: number;
  readonly rejected: readonly { readonly record: JournalledRecord; readonly reason: string }[];
  readonly retried: number;
  /** All were rejected together: they are offered again in smaller parts, at once. */
  readonly isSplit?: boolean;
  readonly reason?: string | undefined;
  /** The longest wait the exporter asked for. */
  readonly afterMs?: number | undefined;
}

export class Batch {
  readonly #start: Cursor;
  readonly #narrowing: Narrowing;
  #read: ReadBatch;
  #states: State[];
  #offered: readonly number[] = [];
  #refusal = 'no reason given';

  constructor(start: Cursor, read: ReadBatch, random: () => number) {
    this.#start = start;
    this.#read = read;
    this.#states = read.entries.map(() => 'open');
    this.#narrowing = new Narrowing(read.entries.length, random);
  }

  /** Behind its last record. */
  get end(): ReadPosition {
    return this.#read.end;
  }

  /** What its lines lie in. */
  get chunks(): readonly Chunk[] {
    return this.#read.chunks;
  }

  get isSettled(): boolean {
    return this.#states.every((state) => state !== 'open');
  }

  /** When the first of those that are open was recorded. */
  get oldestTime(): string | undefined {
    return this.#read.entries[this.#states.indexOf('open')]?.line.record.observedTime;
  }

  /** Its records are being tried one by one. */
  get isNarrow(): boolean {
    return this.#narrowing.isNarrow;
  }

  get wantsWitness(): boolean {
    return this.#narrowing.wantsWitness(this.#open);
  }

  /** What comes right behind it becomes part of it. */
  extend({ entries: [first, ...rest], end, skipped, isMore, tornBytes, chunks }: ReadBatch): void {
    // Damage between the two parts stands before the first record of the second, or behind all.
    const entries = first === undefined ? [] : [{ ...first, skipped: first.skipped + this.#read.skipped }, ...rest];
    const behind = first === undefined ? this.#read.skipped + skipped : skipped;
    this.#read = {
      entries: [...this.#read.entries, ...entries],
      end,
      skipped: behind,
      isMore,
      tornBytes,
      chunks: [...this.#read.chunks, ...chunks],
    };
    this.#states = [...this.#states, ...entries.map((): State => 'open')];
  }

  /** What to offer next, in journal order. */
  offer(maxCount: number): readonly ReadEntry[] {
    this.#offered = this.#narrowing.choose(this.#open, maxCount);
    return this.#offered.map((index) => this.#read.entries[index] as ReadEntry);
  }

  /** Applies the answers to what `offer` gave out. Answers of the wrong number count as `retry` for all. */
  settle(answers: readonly Acknowledgement[]): Settlement {
    const offered = this.#offered;
    if (!Array.isArray(answers) || answers.length !== offered.length) {
      this.#refusal = 'the exporter answered the wrong number of acknowledgements';
      this.#narrowing.answered({ offered, settled: 0, isAsked: false });
      return { delivered: 0, rejected: [], retried: offered.length, reason: this.#refusal };
    }
    if (offered.length > 1 && answers.every((answer) => answer?.status === 'rejected')) {
      this.#narrowing.split(offered.length);
      return { delivered: 0, rejected: [], retried: 0, isSplit: true };
    }
    return this.#apply(offered, answers);
  }

  /** Behind the last record before which nothing is open. */
  get cursor(): Cursor {
    let position: ReadPosition = this.#start;
    let { deadLettered } = this.#start;
    for (const [index, entry] of this.#read.entries.entries()) {
      const state = this.#states[index];
      if (state === 'open') return { ...position, deadLettered };
      position = entry.position;
      deadLettered += entry.skipped + (state === 'rejected' ? 1 : 0);
    }
    return { ...this.#read.end, deadLettered: deadLettered + this.#read.skipped };
  }

  /** Settled records beyond the cursor: counted, and offered again only after a crash. */
  get ahead(): { readonly delivered: number; readonly deadLettered: number } {
    const first = this.#states.indexOf('open');
    const beyond = first === -1 ? [] : this.#states.slice(first);
    return { delivered: countOf(beyond, 'delivered'), deadLettered: countOf(beyond, 'rejected') };
  }

  #apply(offered: readonly number[], answers: readonly Acknowledgement[]): Settlement {
    const rejected: { record: JournalledRecord; reason: string }[] = [];
    const bury = (index: number, reason: string): void => {
      const record = this.#read.entries[index]?.line.record;
      if (record === undefined) return;
      rejected.push({ record, reason });
      this.#states[index] = 'rejected';
    };
    let delivered = 0;
    let reason: string | undefined;
    let afterMs: number | undefined;
    for (const [nth, index] of offered.entries()) {
      const answer = answers[nth];
      if (answer?.status === 'delivered') {
        delivered += 1;
        this.#states[index] = 'delivered';
      } else if (answer?.status === 'rejected') {
        bury(index, answer.reason);
      } else if (answer?.status === 'retry') {
        reason ??= answer.reason;
        if (answer.afterMs !== undefined) afterMs = Math.max(afterMs ?? 0, answer.afterMs);
      }
    }
    const settled = delivered + rejected.length;
    const guilty = this.#narrowing.answered({ offered, settled, isAsked: afterMs !== undefined });
    if (guilty !== undefined) bury(guilty, `refused alone ${STRIKES} times while other records were taken: ${this.#refusal}`);
    this.#refusal = reason ?? this.#refusal;
    return { delivered, rejected, retried: offered.length - settled, reason, afterMs };
  }

  get #open(): readonly number[] {
    return [...this.#states.keys()].filter((index) => this.#states[index] === 'open');
  }
}

function countOf(states: readonly State[], wanted: State): number {
  return states.filter((state) => state === wanted).length;
}
