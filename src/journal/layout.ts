/** Where things lie in a journal directory, and which directories are fit to hold one. */

import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AuditError } from '../errors.js';
import { sha256 } from './chain.js';
import { makeDirectory } from './make-directory.js';

/** Only record files end so, or with that of a compression behind it: a tool that reads all of them gets records and nothing else. */
export const SEGMENT_SUFFIX = '.jsonl';

export function segmentPath(streamDirectory: string, segment: number): string {
  return join(streamDirectory, `${String(segment).padStart(8, '0')}${SEGMENT_SUFFIX}`);
}

/** The number of a segment file, compressed or not, or undefined for any other file. */
export function segmentNumber(fileName: string): number | undefined {
  const match = /^(\d{8,})\.jsonl(?:\.gz|\.zst)?$/.exec(fileName);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

export function cursorPath(streamDirectory: string, exporter: string): string {
  return join(streamDirectory, `${fileNameOf(exporter)}.cursor`);
}

/** Of the cursor that need not be on the disk yet. */
export function latestCursorPath(streamDirectory: string, exporter: string): string {
  return join(streamDirectory, `${fileNameOf(exporter)}.latest.cursor`);
}

export function deadLetterPath(streamDirectory: string, exporter: string): string {
  return join(streamDirectory, `dead-letter.${fileNameOf(exporter)}.ndjson`);
}

/** Damaged lines as they were found, one a line. */
export function quarantinePath(streamDirectory: string, exporter: string): string {
  return join(streamDirectory, `quarantine.${fileNameOf(exporter)}.txt`);
}

export function isEvidence(fileName: string): boolean {
  return fileName.startsWith('dead-letter.') || fileName.startsWith('quarantine.');
}

/**
 * Makes a private directory, or checks that the one there is ours. `setting`: what named it, for whoever has to name another.
 *
 * @throws {AuditError} ERR_AUDIT_JOURNAL if it is a link or no directory, if it or the directory above belongs to
 * another user (root may own the one above), or if it cannot be made.
 */
export function preparePrivateDirectory(path: string, setting: 'AUDIT_JOURNAL_DIR' | 'AUDIT_FILE_DIR'): void {
  const fault = makeOrJudge(path);
  if (fault === undefined) return;
  const { why, cause } = fault;
  throw new AuditError('ERR_AUDIT_JOURNAL', `the directory ${path} ${why}; set ${setting} to a directory of this user`, { cause });
}

function makeOrJudge(path: string): { readonly why: string; readonly cause?: unknown } | undefined {
  try {
    makeDirectory(path);
  } catch (cause) {
    return { why: 'cannot be created', cause };
  }
  try {
    const uid = process.getuid?.();
    const itself = lstatSync(path);
    if (itself.isSymbolicLink() || !itself.isDirectory()) return { why: 'is a link or no directory' };
    if (uid === undefined) return undefined;
    if (itself.uid !== uid) return { why: 'belongs to another user' };
    // Whoever owns the directory above can put another in our place.
    const above = lstatSync(dirname(path)).uid;
    return above === uid || above === 0 ? undefined : { why: 'lies in a directory of another user' };
  } catch (cause) {
    return { why: 'cannot be read', cause };
  }
}

/** Exporters may be named by a path: every name becomes one file name, and two names never the same. */
function fileNameOf(exporter: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(exporter)) return exporter;
  return `${exporter.replace(/[^A-Za-z0-9_-]+/g, '_').slice(-40)}.${sha256(exporter).slice(0, 12)}`;
}
