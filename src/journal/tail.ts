/** The last whole record of a stream, read from its end. */

import type { JournalledRecord } from '../record.js';
import { verifyLine } from './chain.js';
import type { StreamStop } from './manifest.js';
import { listSegments } from './reader.js';
import { openSegment } from './segment-source.js';

// 64 KB: three records with both bodies; doubled until a whole one is in it.
const TAIL_BYTES = 65_536;

/** Undefined if the stream holds no whole record. */
export async function readLastRecord(streamDirectory: string): Promise<JournalledRecord | undefined> {
  for (const segment of (await listSegments(streamDirectory)).toReversed()) {
    const record = await lastOf(streamDirectory, segment);
    if (record !== undefined) return record;
  }
  return undefined;
}

/** As far as is known: what was written last may be gone, and a stop still tells of it. */
export function lastSeqOf(last: JournalledRecord | undefined, stop: StreamStop | undefined): number {
  return Math.max(last?.integrity.seq ?? 0, stop?.lastSeq ?? 0);
}

async function lastOf(streamDirectory: string, segment: number): Promise<JournalledRecord | undefined> {
  const source = await openSegment(streamDirectory, segment);
  if (source === undefined) return undefined;
  try {
    const size = await source.size();
    for (let length = Math.min(TAIL_BYTES, size); length > 0; length = Math.min(2 * length, size)) {
      const bytes = Buffer.alloc(length);
      await source.read(bytes, length, size - length);
      const record = lastWhole(bytes.toString('utf8'));
      if (record !== undefined || length === size) return record;
    }
    return undefined;
  } finally {
    await source.close();
  }
}

function lastWhole(text: string): JournalledRecord | undefined {
  // What follows the last line feed is torn, if it is anything.
  for (const line of text.split('\n').slice(0, -1).reverse()) {
    const verified = verifyLine(line);
    if ('record' in verified) return verified.record;
  }
  return undefined;
}
