/** Follows the files of a trail as they grow, new streams included. */

import { open, stat } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { ifThere } from '../journal/atomic-file.js';
import type { AuditRecord, JournalledRecord } from '../record.js';
import { openedLine, recordOf } from './lines.js';

// File notifications miss what some file systems do; a look at the sizes costs less than a person notices.
const LOOK_MS = 200;

/** Records written after the call. */
export async function* followFiles(
  files: () => readonly string[],
  passes: (record: AuditRecord) => boolean,
  signal: AbortSignal,
): AsyncGenerator<JournalledRecord> {
  const ends = new Map<string, number>();
  // What is compressed was closed and seen before.
  const growing = (): readonly string[] => files().filter((file) => file.endsWith('.jsonl'));
  for (const file of growing()) ends.set(file, await sizeOf(file));
  while (!signal.aborted) {
    for (const file of growing()) {
      const from = ends.get(file) ?? 0;
      const { lines, end } = await linesFrom(file, from);
      ends.set(file, end);
      for (const line of lines) {
        const record = recordOf(openedLine(line, file));
        if (record !== undefined && passes(record)) yield record;
      }
    }
    await pause(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** 0 if it is not there: a running service compresses and deletes. */
async function sizeOf(file: string): Promise<number> {
  const status = await ifThere(stat(file));
  return status?.size ?? 0;
}

/** The whole lines from a byte on. A file that became shorter is another one, and read from its beginning. */
async function linesFrom(file: string, from: number): Promise<{ readonly lines: readonly string[]; readonly end: number }> {
  const handle = await ifThere(open(file, 'r'));
  if (handle === undefined) return { lines: [], end: from };
  try {
    const { size } = await handle.stat();
    const start = size < from ? 0 : from;
    const bytes = Buffer.alloc(size - start);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
    const end = bytes.subarray(0, bytesRead).lastIndexOf('\n') + 1;
    return { lines: bytes.subarray(0, end).toString('utf8').split('\n').slice(0, -1), end: start + end };
  } finally {
    await handle.close();
  }
}
