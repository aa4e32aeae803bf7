/** A sink that several processes deliver to: it fails by a list, refuses some for good, and counts what comes again. */

import { type Acknowledgement, type AuditExporter, allDelivered } from '../../../src/exporter.js';
import type { AuditRecord, JournalledRecord } from '../../../src/record.js';
import type { SimulatedProcess } from './process.js';
import type { WorldScenario } from './scenario.js';

/** Idempotent, as sinks are: a record that comes again is not stored again, but counted. */
export class Sink {
  readonly name: string;
  readonly stored = new Set<string>();
  readonly refused = new Set<string>();
  /** So many acknowledged records were offered once more. */
  again = 0;
  readonly #acknowledged = new Set<string>();
  readonly #calls: WorldScenario['calls'][number][];
  readonly #rejectEvery: number;
  #isHealed = false;
  #offered = 0;

  constructor(name: string, calls: WorldScenario['calls'][number][], rejectEvery: number) {
    this.name = name;
    this.#calls = calls;
    this.#rejectEvery = rejectEvery;
  }

  heal(): void {
    this.#isHealed = true;
  }

  exporterOf(process: SimulatedProcess): AuditExporter {
    return {
      name: this.name,
      export: async (batch) => {
        if (process.frozen !== undefined) await process.frozen;
        return process.isDead ? new Promise(() => undefined) : this.#answer(batch);
      },
      shutdown: async () => undefined,
    };
  }

  #answer(batch: readonly JournalledRecord[]): readonly Acknowledgement[] {
    const fate = this.#isHealed ? 'well' : (this.#calls.shift() ?? 'well');
    if (fate === 'down') throw new Error('down');
    const answers = batch.map((record): Acknowledgement => this.#take(record));
    if (fate === 'lost') throw new Error('no answer');
    for (const { id } of batch) this.#acknowledged.add(id);
    return fate === 'short' ? allDelivered(Math.max(0, batch.length - 1)) : answers;
  }

  #take({ id }: AuditRecord): Acknowledgement {
    if (this.#acknowledged.has(id)) this.again += 1;
    else if (!this.stored.has(id)) this.#offered += 1;
    const isRefused = this.refused.has(id) || (!this.stored.has(id) && this.#rejectEvery > 0 && this.#offered % this.#rejectEvery === 0);
    (isRefused ? this.refused : this.stored).add(id);
    return isRefused ? { status: 'rejected', reason: 'never' } : { status: 'delivered' };
  }
}
