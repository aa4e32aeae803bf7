/** Keeps records in memory, for tests of services and of this package. Not for production: nothing ever leaves it. */

import { type AuditExporter, allDelivered, allRetry } from '../../src/exporter.js';
import type { JournalledRecord } from '../../src/record.js';

export interface MemoryExporter extends AuditExporter {
  /** Copies of the records stored, in the order they first came. */
  readonly records: readonly JournalledRecord[];
  clear(): void;
  /**
   * Settles with the records as soon as there are `wanted` of them, or as soon as `wanted` is true of them.
   *
   * @param timeoutMs default 5000
   * @throws {Error} at the timeout
   */
  waitFor(wanted: number | ((records: readonly JournalledRecord[]) => boolean), timeoutMs?: number): Promise<readonly JournalledRecord[]>;
}

export function createMemoryExporter(): MemoryExporter {
  const stored = new Map<string, JournalledRecord>();
  const waiting = new Set<() => void>();
  let shutDown = false;
  const records = (): readonly JournalledRecord[] => [...stored.values()];

  return {
    name: 'memory',
    get records() {
      return records();
    },
    clear: () => stored.clear(),
    waitFor: (wanted, timeoutMs = 5000) =>
      new Promise((resolve, reject) => {
        const isDone = typeof wanted === 'number' ? () => stored.size >= wanted : () => wanted(records());
        const check = (): void => {
          if (!isDone()) return;
          finish();
          resolve(records());
        };
        const timeout = setTimeout(() => {
          finish();
          reject(new Error(`waited ${timeoutMs} ms in vain; ${stored.size} records are there`));
        }, timeoutMs);
        const finish = (): void => {
          clearTimeout(timeout);
          waiting.delete(check);
        };
        waiting.add(check);
        check();
      }),
    async export(batch, signal) {
      if (shutDown) return allRetry(batch.length, 'the exporter is shut down');
      if (signal.aborted) return allRetry(batch.length, 'the deadline passed');
      for (const record of batch) if (!stored.has(record.id)) stored.set(record.id, structuredClone(record));
      for (const check of [...waiting]) check();
      return allDelivered(batch.length);
    },
    async shutdown() {
      shutDown = true;
    },
  };
}
