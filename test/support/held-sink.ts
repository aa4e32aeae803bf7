/** A sink whose records are durable when the test says so. */

import type { PipelineParts } from '../../src/pipeline.js';
import type { AuditRecord } from '../../src/record.js';

export function createHeldSink() {
  const records: AuditRecord[] = [];
  const waiting: ((isDurable: boolean) => void)[] = [];
  let answer: boolean | undefined;
  let notice: (() => void) | undefined;
  const createSink: PipelineParts['createSink'] = (counters) => ({
    append(record) {
      counters.pending -= 1;
      counters.journalled += 1;
      records.push(record);
      return 'hash';
    },
    sync: () =>
      answer === undefined
        ? new Promise((resolve) => {
            waiting.push(resolve);
            notice?.();
          })
        : Promise.resolve(answer),
    closeSync: () => {},
    flush: async () => {},
    health: () => ({}),
    journal: () => undefined,
    shutdown: async () => {},
  });
  return {
    records,
    createSink,
    /** Answers everybody who waits; without a second call those who come later wait again. */
    settle(isDurable: boolean): void {
      for (const resolve of waiting.splice(0)) resolve(isDurable);
    },
    /** From now on nobody waits. */
    always(isDurable: boolean | undefined): void {
      answer = isDurable;
      if (isDurable !== undefined) this.settle(isDurable);
    },
    /** Until so many wait. */
    async waiters(count: number): Promise<void> {
      while (waiting.length < count) {
        await new Promise<void>((resolve) => {
          notice = resolve;
        });
      }
    },
  };
}
