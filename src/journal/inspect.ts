/** Looks at a journal directory from outside, as another process: reads only, takes no lease, creates nothing. */

import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, ifThere } from './atomic-file.js';
import { isEvidence } from './layout.js';
import { readLease } from './lease.js';
import { readManifest, readStop } from './manifest.js';
import { ownIdentity, type ProcessIdentity } from './process-identity.js';
import { isStreamName } from './stream-directory.js';
import { lastSeqOf, readLastRecord } from './tail.js';

export interface StreamInspection {
  readonly stream: string;
  readonly directory: string;
  readonly service: string;
  /** `live`: its process runs. `complete`: all is delivered. `waiting`: what is not delivered waits for the next process. */
  readonly state: 'live' | 'complete' | 'waiting';
  /** Of everything in it. */
  readonly bytes: number;
  /** Number of the last record; those that were delivered may be gone. */
  readonly lastSeq: number;
  /** Names of the files that hold dead letters and damaged lines. */
  readonly evidence: readonly string[];
}

export interface JournalInspection {
  readonly directory: string;
  /** `unsafe`: a link, no directory, or open to others: a pipeline would refuse it or should. */
  readonly state: 'absent' | 'usable' | 'unsafe' | 'unreadable';
  readonly streams: readonly StreamInspection[];
}

export async function inspectJournal(directory: string): Promise<JournalInspection> {
  try {
    const status = await lstat(directory);
    const isOurs = process.getuid === undefined || status.uid === process.getuid();
    if (!status.isDirectory() || !isOurs) return { directory, state: 'unsafe', streams: [] };
    const own = ownIdentity();
    const streams: StreamInspection[] = [];
    for (const stream of (await readdir(directory)).filter(isStreamName).sort()) {
      // It may be removed while it is looked at.
      const inspection = await ifThere(inspectStream(join(directory, stream), stream, own));
      if (inspection !== undefined) streams.push(inspection);
    }
    // Windows says nothing of others in the mode.
    const isPrivate = process.getuid === undefined || (status.mode & 0o077) === 0;
    return { directory, state: isPrivate ? 'usable' : 'unsafe', streams };
  } catch (error) {
    return { directory, state: codeOf(error) === 'ENOENT' ? 'absent' : 'unreadable', streams: [] };
  }
}

async function inspectStream(directory: string, stream: string, own: ProcessIdentity): Promise<StreamInspection | undefined> {
  const manifest = await readManifest(directory);
  if (manifest === undefined) return undefined;
  const files = await readdir(directory);
  const sizes = await Promise.all(files.map((file) => sizeOf(join(directory, file))));
  const stop = await readStop(directory);
  const lease = await readLease(directory, own, Date.now());
  const last = await readLastRecord(directory);
  return {
    stream,
    directory,
    service: manifest.service,
    state: lease !== undefined && !lease.dead ? 'live' : stop?.complete === true ? 'complete' : 'waiting',
    bytes: sizes.reduce((total, size) => total + size, 0),
    lastSeq: lastSeqOf(last, stop),
    evidence: files.filter(isEvidence).sort(),
  };
}

/** 0 of a file that is gone: a cursor's successor is written beside it and renamed, many times a second. */
async function sizeOf(path: string): Promise<number> {
  const status = await ifThere(lstat(path));
  return status?.size ?? 0;
}
