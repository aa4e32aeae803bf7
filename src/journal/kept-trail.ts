/** Looks after a trail that is kept: compresses what is closed and delivered, and deletes what is older than it is to be kept. */

import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Compression, compressSegment } from './compression.js';
import { segmentNumber, segmentPath } from './layout.js';
import { readStop } from './manifest.js';
import { isStreamName, removeStream } from './stream-directory.js';

export interface KeptTrailOptions {
  /** The directory that holds the streams. */
  readonly directory: string;
  readonly ownStream: string;
  readonly compression: Compression;
  /** Segments whose last record is older are deleted; 0: none. */
  readonly retainDays: number;
  readonly nowMs: () => number;
}

const DAY_MS = 86_400_000;
// What a process that was killed while compressing has left; nothing takes an hour.
const ABANDONED_MS = 3_600_000;

/**
 * One round over all streams. `neededSegment`: the first of the own stream that an exporter still needs, or the writer. Of other streams
 * only those that every exporter is done with are touched. Several processes may do this at once.
 */
export async function tendTrail(options: KeptTrailOptions, neededSegment: number): Promise<void> {
  for (const stream of await readdir(options.directory)) {
    if (!isStreamName(stream)) continue;
    const directory = join(options.directory, stream);
    if (stream === options.ownStream) {
      await tendStream(directory, neededSegment, options);
    } else if ((await readStop(directory))?.complete === true) {
      const left = await tendStream(directory, Number.POSITIVE_INFINITY, options);
      if (left === 0) await removeStream(directory, (await readStop(directory))?.lastSeq ?? 0);
    }
  }
}

/** Answers how many segments are left. */
async function tendStream(directory: string, end: number, { compression, retainDays, nowMs }: KeptTrailOptions): Promise<number> {
  let left = 0;
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const number = segmentNumber(name);
    // Another process may have been faster.
    const status = await stat(path).catch(() => undefined);
    if (status === undefined) continue;
    const ageMs = nowMs() - status.mtimeMs;
    if (name.endsWith('.tmp') && ageMs > ABANDONED_MS) await rm(path, { force: true });
    if (number === undefined) continue;
    left += 1;
    if (number >= end) continue;
    if (retainDays > 0 && ageMs > retainDays * DAY_MS) {
      await rm(path, { force: true });
      left -= 1;
    } else if (compression !== 'none' && path === segmentPath(directory, number)) await compressSegment(path, compression);
  }
  return left;
}
