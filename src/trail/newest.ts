/** The newest of many records, newest first, in memory for no more than twice as many as are asked for. */

import type { JournalledRecord } from '../record.js';

/** Without a limit: all, as they come. */
export async function* newestOf(records: AsyncIterable<JournalledRecord>, limit: number | undefined): AsyncGenerator<JournalledRecord> {
  if (limit === undefined) return yield* records;
  let kept: JournalledRecord[] = [];
  for await (const record of records) {
    kept.push(record);
    if (kept.length >= 2 * limit) kept = kept.sort(newestFirst).slice(0, limit);
  }
  yield* kept.sort(newestFirst).slice(0, limit);
}

function newestFirst(a: JournalledRecord, b: JournalledRecord): number {
  if (a.time !== b.time) return a.time < b.time ? 1 : -1;
  return a.id < b.id ? 1 : -1;
}
