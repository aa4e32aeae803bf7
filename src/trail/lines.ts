/** Lines of files, plain, compressed or encrypted, in batches: whatever their size, a chunk of them is in memory. */

import { type FileHandle, open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { AuditError } from '../errors.js';
import { ifThere } from '../journal/atomic-file.js';
import { COMPRESSED_SUFFIXES, createDecompressor } from '../journal/compression.js';
import { isSealed, openLine, SEALED_PREFIX } from '../journal/keyring.js';
import type { JournalledRecord } from '../record.js';

export interface FileLine {
  readonly text: string;
  /** From 1. */
  readonly number: number;
}

// 1 MiB: some hundred records a turn.
const CHUNK_BYTES = 1_048_576;
const LINE_FEED = 10;

/**
 * Whole lines only: what follows the last line feed is torn. A sealed line is given as what is in it, or as it is if somebody altered it.
 *
 * @throws {AuditError} ERR_AUDIT_TRAIL if the lines are encrypted with a key that is not in use here
 */
export async function* fileLines(file: string): AsyncGenerator<readonly FileLine[]> {
  let number = 0;
  for await (const whole of wholeLines(file)) {
    const lines: FileLine[] = [];
    for (const text of whole.toString('utf8').split('\n')) {
      number += 1;
      if (text !== '') lines.push({ text: openedLine(text, file), number });
    }
    yield lines;
  }
}

/** The lines that begin so, found in the bytes: the others are not even decoded, unless they are sealed. */
export async function* linesBeginning(file: string, beginning: string): AsyncGenerator<string> {
  for await (const whole of wholeLines(file)) {
    for (const line of linesFound(whole, SEALED_PREFIX)) {
      const opened = openedLine(line, file);
      if (opened.startsWith(beginning)) yield opened;
    }
    yield* linesFound(whole, beginning);
  }
}

/** @throws {AuditError} ERR_AUDIT_TRAIL as `fileLines` does */
export function openedLine(line: string, file: string): string {
  if (!isSealed(line)) return line;
  const opened = openLine(line);
  if ('line' in opened) return opened.line;
  if (opened.fault === 'not-openable') return line;
  throw new AuditError('ERR_AUDIT_TRAIL', `${file} is encrypted: put the key that it was written with in AUDIT_JOURNAL_KEY`);
}

function* linesFound(whole: Buffer, beginning: string): Generator<string> {
  const needle = Buffer.from(`\n${beginning}`);
  if (whole.subarray(0, needle.length - 1).equals(needle.subarray(1))) yield lineAt(whole, 0);
  for (let at = whole.indexOf(needle); at !== -1; at = whole.indexOf(needle, at + 1)) yield lineAt(whole, at + 1);
}

/** Pieces of a file that hold whole lines only, without the last line feed of each. */
export async function* wholeLines(file: string): AsyncGenerator<Buffer> {
  const found = await openAnyForm(file);
  // Its time was over since the directory was listed.
  if (found === undefined) return;
  const bytes = found.handle.createReadStream({ highWaterMark: CHUNK_BYTES });
  const decompressor = createDecompressor(found.name, CHUNK_BYTES);
  // The error of either is the one that the loop below meets.
  const chunks: AsyncIterable<Buffer> = decompressor === undefined ? bytes : pipeline(bytes, decompressor, () => undefined);
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

/** A running service may compress a segment, or delete it, after the directory was listed. */
async function openAnyForm(file: string): Promise<{ readonly name: string; readonly handle: FileHandle } | undefined> {
  for (const name of [file, ...COMPRESSED_SUFFIXES.map((suffix) => file + suffix)]) {
    const handle = await ifThere(open(name, 'r'));
    if (handle !== undefined) return { name, handle };
  }
  return undefined;
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
