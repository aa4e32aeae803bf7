/** The beginning and the end of a stream's directory. */

import { writeFileSync } from 'node:fs';
import { readdir, rename, rm, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isEvidence, segmentNumber } from './layout.js';
import { createLease } from './lease.js';
import { makeDirectory } from './make-directory.js';
import { MANIFEST_FILE, manifestText, readStop, type StreamManifest, writeStop } from './manifest.js';
import type { ProcessIdentity } from './process-identity.js';

/** Also makes a deleted one anew: nothing in it is replaced by something else. */
export function createStreamDirectory(directory: string, manifest: StreamManifest, owner: ProcessIdentity): void {
  makeDirectory(directory);
  // The lease first: a stream with a manifest and without a lease may be adopted.
  createLease(directory, owner);
  writeFileSync(join(directory, MANIFEST_FILE), manifestText(manifest), { mode: 0o600 });
}

/** Ends a stream whose records have all arrived. Dead letters and damaged lines stay, and the directory and the cursors' counts with them. */
export async function removeStream(directory: string, lastSeq: number): Promise<void> {
  const names = await readdir(directory);
  if (names.some(isEvidence)) {
    const clean = (await readStop(directory))?.clean ?? true;
    const spent = names.filter((name) => segmentNumber(name) !== undefined);
    // Complete only once they are gone: whoever is killed in between leaves a stream that the next process ends.
    if (spent.length > 0) await writeStop(directory, { clean, lastSeq, complete: false });
    await Promise.all(spent.map((name) => unlink(join(directory, name))));
    return await writeStop(directory, { clean, lastSeq, complete: true });
  }
  // Renamed first: half deleted under its own name, it would look to another process like a stream to adopt.
  const removed = join(dirname(directory), `${REMOVED_PREFIX}${directory.slice(dirname(directory).length + 1)}`);
  await rename(directory, removed);
  // What is left of it is deleted by whoever looks for streams next.
  await rm(removed, { recursive: true, force: true }).catch(() => undefined);
}

const STREAM = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function isStreamName(name: string): boolean {
  return STREAM.test(name);
}

/** Names of directories on their way out. */
export const REMOVED_PREFIX = '.removed-';
