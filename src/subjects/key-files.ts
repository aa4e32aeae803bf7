/** Where the keys of persons lie: one file a key, and a tombstone in the place of each that was destroyed. */

import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { AuditError } from '../errors.js';

export interface KeyFile {
  /** `<subject>.<generation>`: stands in every value that the key encrypts. */
  readonly id: string;
  readonly key: string;
  /** Stands before the key is destroyed: from then on no record is encrypted with it. */
  readonly tombstone: string;
}

const KEY_ID = /^[0-9a-f]{32}\.[1-9]\d{0,8}$/;

/** The key of a person's present generation, there or not: the first that has no tombstone. */
export function presentKeyFile(directory: string, actorId: string): KeyFile {
  for (let generation = 1; ; generation += 1) {
    const file = fileOf(directory, `${subjectOf(actorId)}.${generation}`);
    if (!existsSync(file.tombstone)) return file;
  }
}

/** Every key of a person that is still there, also one that somebody began to destroy. */
export function remainingKeyFiles(directory: string, actorId: string): readonly KeyFile[] {
  const files: KeyFile[] = [];
  for (let generation = 1; ; generation += 1) {
    const file = fileOf(directory, `${subjectOf(actorId)}.${generation}`);
    if (existsSync(file.key)) files.push(file);
    if (!existsSync(file.tombstone)) return files;
  }
}

/** Undefined for what is no key's id: it comes out of a record, and names a file. */
export function keyFileOf(directory: string, id: string): KeyFile | undefined {
  return KEY_ID.test(id) ? fileOf(directory, id) : undefined;
}

/**
 * Makes the directory, or checks that nobody else reads in it.
 *
 * @throws {AuditError} ERR_AUDIT_KEYS
 */
export function prepareKeyDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw unusable('cannot be made', cause);
  }
  const found = lstatSync(directory);
  if (!found.isDirectory()) throw unusable('is a link or no directory');
  const uid = process.getuid?.();
  if (uid === undefined) return;
  if (uid !== 0 && found.uid !== uid) throw unusable('belongs to another user');
  if ((found.mode & 0o077) !== 0) throw unusable('is open to others: it must have the mode 0700');
}

function unusable(why: string, cause?: unknown): AuditError {
  return new AuditError('ERR_AUDIT_KEYS', `the directory in AUDIT_SUBJECT_KEYS ${why}`, { cause });
}

/** A hash, so that an id of any form is a file name. Whoever knows the id finds the file, as the trail names the id anyway. */
function subjectOf(actorId: string): string {
  return createHash('sha256').update(`otel-audit subject\0${actorId}`).digest('hex').slice(0, 32);
}

function fileOf(directory: string, id: string): KeyFile {
  return { id, key: path.join(directory, `${id}.key`), tombstone: path.join(directory, `${id}.erased`) };
}
