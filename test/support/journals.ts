/** A journal for tests that notes what it was told. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createJournal } from '../../src/journal/journal.js';
import type { Journal, JournalOptions } from '../../src/journal/journal-contract.js';
import type { Loss } from '../../src/journal/loss.js';
import type { JournalledRecord } from '../../src/record.js';

export const MANIFEST = { service: 'orders', destinations: 'nowhere' };

export interface Notes {
  written: number;
  readonly dropped: Record<string, number>;
  readonly warnings: string[];
  readonly losses: Loss[];
}

/** Closed when the test ends. */
export function openJournal(
  test: TestContext,
  options: Partial<JournalOptions> & { readonly directory: string },
): { journal: Journal; notes: Notes } {
  const notes: Notes = { written: 0, dropped: {}, warnings: [], losses: [] };
  const journal = createJournal({
    manifest: MANIFEST,
    maxBytes: 1e9,
    onWritten: (records) => {
      notes.written += records;
    },
    onDropped: (reason, records) => {
      notes.dropped[reason] = (notes.dropped[reason] ?? 0) + records;
    },
    onWarning: (message) => notes.warnings.push(message),
    onLoss: (loss) => notes.losses.push(loss),
    ...options,
  });
  test.after(() => journal.close());
  return { journal, notes };
}

/** Every whole line of a stream's segments, in order. */
export function readLines(streamDirectory: string): string[] {
  const segments = readdirSync(streamDirectory)
    .filter((name) => name.endsWith('.jsonl'))
    .sort();
  return segments.flatMap((name) => readFileSync(join(streamDirectory, name), 'utf8').split('\n').slice(0, -1));
}

export function readRecords(streamDirectory: string): JournalledRecord[] {
  return readLines(streamDirectory).map((line) => JSON.parse(line) as JournalledRecord);
}
