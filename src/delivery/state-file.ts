/** What a delivering process says of its exporters beside its own stream, for `otel-audit status` in another process. */

import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExporterCounters } from '../health.js';
import { readJsonFile, writeFileAtomic } from '../journal/atomic-file.js';

export type ExporterState = Pick<ExporterCounters, 'retries' | 'breaker'> & { readonly lastError?: string | undefined };

export interface DeliveryState {
  readonly exporters: Readonly<Record<string, ExporterState>>;
}

const STATE_FILE = 'delivery.json';

export async function readDeliveryState(streamDirectory: string): Promise<DeliveryState | undefined> {
  const value = (await readJsonFile(join(streamDirectory, STATE_FILE))) as Partial<DeliveryState> | null | undefined;
  const { exporters } = value ?? {};
  return typeof exporters === 'object' && exporters !== null ? { exporters } : undefined;
}

/** What a process that is gone has said of its exporters is no longer so. */
export async function forgetDeliveryState(streamDirectory: string): Promise<void> {
  await unlink(join(streamDirectory, STATE_FILE)).catch(() => undefined);
}

export interface StateWriter {
  /** As often as one likes: the file is written when what it says has changed. */
  note(counters: Readonly<Record<string, ExporterCounters>>): void;
  /** Nothing is written after this has settled. */
  close(): Promise<void>;
}

export function createStateWriter(streamDirectory: string): StateWriter {
  let wanted = '';
  let written = '';
  let writing = Promise.resolve();
  const write = async (): Promise<void> => {
    if (wanted === written) return;
    written = wanted;
    // A state that cannot be written is an old one: nothing depends on it.
    await writeFileAtomic(join(streamDirectory, STATE_FILE), written).catch(() => undefined);
  };
  return {
    note(counters) {
      const exporters = Object.entries(counters).map(([name, { retries, breaker, lastError }]) => [name, { retries, breaker, lastError }]);
      const text = JSON.stringify({ exporters: Object.fromEntries(exporters) } satisfies DeliveryState);
      if (text === wanted) return;
      wanted = text;
      writing = writing.then(write);
    },
    close() {
      wanted = written;
      return writing;
    },
  };
}
