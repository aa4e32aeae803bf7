/** The last whole record of a stream, read from its end. */

import { open } from 'node:fs/promises';
import type { JournalledRecord } from '../record.js';
import { verifyLine } from './chain.js';
import { segmentPath } from './layout.js';
import { listSegments } from './reader.js';

// 64 KB: three records with both bodies; doubled until a whole one is in it.
const TAIL_BYTES = 65_536;

/** Undefined if the stream holds no whole record. */
export async function readLastRecord(streamDirectory: string): Promise<JournalledRecord | undefined> {
  for (const segment of (await listSegments(streamDirectory)).toReversed()) {
    const record = await lastOf(segmentPath(streamDirectory, segment));
    if (record !== undefined) return record;
  }
  return undefined;
}

async function lastOf(path: string): Promise<JournalledRecord | undefined> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    for (let length = Math.min(TAIL_BYTES, size); length > 0; length = Math.min(2 * length, size)) {
      const bytes = Buffer.alloc(length);
      await file.read(bytes, 0, length, size - length);
      const record = lastWhole(bytes.toString('utf8'));
      if (record !== undefined || length === size) return record;
    }
    return undefined;
  } finally {
    await file.close();
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
