/** How far an exporter is in a stream, kept beside the segments. Whole or absent, never half written. */

import { renameSync, writeFileSync } from 'node:fs';
import { readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readJsonFile, writeFileAtomic } from '../journal/atomic-file.js';
import { cursorPath, latestCursorPath } from '../journal/layout.js';
import type { ReadPosition } from '../journal/reader.js';
import { WORKER_MARKER } from './worker-marker.js';

export interface Cursor extends ReadPosition {
  /** How many of the records up to `seq` were not delivered: dead letters, damaged and missing ones. */
  readonly deadLettered: number;
}

export interface NamedCursor extends Cursor {
  /** As named in the configuration. */
  readonly exporter: string;
}

export const FIRST_CURSOR: Cursor = { segment: 1, offset: 0, seq: 0, deadLettered: 0 };

/** The stored cursor. One that is absent or damaged starts over: sinks are idempotent, skipping is not. */
export async function readCursor(streamDirectory: string, exporter: string): Promise<Cursor> {
  const paths = [cursorPath(streamDirectory, exporter), latestCursorPath(streamDirectory, exporter)];
  const values = await Promise.all(paths.map(readJsonFile));
  const { segment, offset, seq, deadLettered } = values.filter(isCursor).reduce(furthest, FIRST_CURSOR);
  return { segment, offset, seq, deadLettered };
}

function furthest<Kind extends Cursor>(one: Kind, other: Kind): Kind {
  const lead = other.seq - one.seq || other.segment - one.segment || other.offset - one.offset;
  return lead > 0 ? other : one;
}

/** What a cursor file holds; undefined if it is damaged. Those of the first versions say nothing of the exporter but their names. */
function namedCursor(value: unknown, fileName: string): NamedCursor | undefined {
  if (!isCursor(value)) return undefined;
  const { exporter } = value as Partial<NamedCursor>;
  return { ...value, exporter: typeof exporter === 'string' ? exporter : fileName.slice(0, -'.cursor'.length) };
}

/** By exporter, without those that are damaged. */
export async function readCursors(streamDirectory: string): Promise<ReadonlyMap<string, NamedCursor>> {
  const files = (await readdir(streamDirectory)).filter((name) => name.endsWith('.cursor'));
  const cursors = await Promise.all(files.map(async (name) => namedCursor(await readJsonFile(join(streamDirectory, name)), name)));
  const found = new Map<string, NamedCursor>();
  for (const cursor of cursors)
    if (cursor !== undefined) found.set(cursor.exporter, furthest(found.get(cursor.exporter) ?? cursor, cursor));
  return found;
}

/**
 * Stores the cursor: whatever ends the process now, one batch at most is offered again. A power cut may leave an older one, or an empty
 * file; so it lies beside the one that `syncCursor` has stored, and never takes its place.
 */
export async function writeCursor(streamDirectory: string, exporter: string, cursor: Cursor): Promise<void> {
  const path = latestCursorPath(streamDirectory, exporter);
  // One writer an exporter and stream, so one name is enough. Synced, each batch would cost two waits for the disk.
  const temporary = `${path}.tmp`;
  if (IS_OWN_THREAD) {
    writeFileSync(temporary, textOf(exporter, cursor), { mode: 0o600 });
    renameSync(temporary, path);
  } else {
    await writeFile(temporary, textOf(exporter, cursor), { mode: 0o600 });
    await rename(temporary, path);
  }
}

/** The delivery worker's: there is nobody to hold up, and four visits to libuv's threads are 2 to 10 ms in which the sink has nothing to do. */
const IS_OWN_THREAD = process.env[WORKER_MARKER] !== undefined;

/** Settles when the cursor is on the disk: only then may a segment before it be deleted. */
export async function syncCursor(streamDirectory: string, exporter: string, cursor: Cursor): Promise<void> {
  await writeFileAtomic(cursorPath(streamDirectory, exporter), textOf(exporter, cursor));
}

function textOf(exporter: string, cursor: Cursor): string {
  return JSON.stringify({ exporter, ...cursor });
}

function isCursor(value: unknown): value is Cursor {
  if (value === null || typeof value !== 'object') return false;
  const { segment, offset, seq, deadLettered } = value as Partial<Cursor>;
  return [segment, offset, seq, deadLettered].every((part) => Number.isSafeInteger(part) && Number(part) >= 0);
}
