/** Lines of files, plain or gzipped, in batches: whatever their size, a chunk of them is in memory. */

import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { JournalledRecord } from '../record.js';

export interface FileLine {
  readonly text: string;
  /** From 1. */
  readonly number: number;
}

// 1 MiB: some hundred records a turn.
const CHUNK_BYTES = 1_048_576;
const LINE_FEED = 10;

/** Whole lines only: what follows the last line feed is torn. */
export async function* fileLines(file: string): AsyncGenerator<readonly FileLine[]> {
  let number = 0;
  for await (const whole of wholeLines(file)) {
    const lines: FileLine[] = [];
    for (const text of whole.toString('utf8').split('\n')) {
      number += 1;
      if (text !== '') lines.push({ text, number });
    }
    yield lines;
  }
}

/** The lines that begin so, found in the bytes: the others are not even decoded. */
export async function* linesBeginning(file: string, beginning: string): AsyncGenerator<string> {
  const needle = Buffer.from(`\n${beginning}`);
  for await (const whole of wholeLines(file)) {
    if (whole.subarray(0, needle.length - 1).equals(needle.subarray(1))) yield lineAt(whole, 0);
    for (let at = whole.indexOf(needle); at !== -1; at = whole.indexOf(needle, at + 1)) yield lineAt(whole, at + 1);
  }
}

/** Pieces of a file that hold whole lines only, without the last line feed of each. */
async function* wholeLines(file: string): AsyncGenerator<Buffer> {
  const bytes = createReadStream(file, { highWaterMark: CHUNK_BYTES });
  // The error of either is the one that the loop below meets.
  const chunks: AsyncIterable<Buffer> = file.endsWith('.gz')
    ? pipeline(bytes, createGunzip({ chunkSize: CHUNK_BYTES }), () => undefined)
    : bytes;
  let rest: Buffer[] = [];
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(LINE_FEED);
    if (end === -1) {
      rest.push(chunk);
      continue;
    }
    yield Buffer.concat([...rest, chunk.subarray(0, end)]);
    rest = [chunk.subarray(end + 1)];
  }
}

function lineAt(whole: Buffer, from: number): string {
  const end = whole.indexOf(LINE_FEED, from);
  return whole.toString('utf8', from, end === -1 ? undefined : end);
}

/** The record of a line, whole or altered; undefined if it is none. */
export function recordOf(line: string): JournalledRecord | undefined {
  try {
    const value = JSON.parse(line) as Partial<JournalledRecord> | null;
    return typeof value?.id === 'string' && value.actor !== undefined ? (value as JournalledRecord) : undefined;
  } catch {
    return undefined;
  }
}
