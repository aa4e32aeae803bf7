/** The keys in use by this thread. Several processes may share one directory: the first to make a person's key makes it for all. */

import { createHash, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { existsSync, linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { AuditError } from '../errors.js';
import { type KeyFile, keyFileOf, prepareKeyDirectory, presentKeyFile } from './key-files.js';

// AES-256.
export const KEY_BYTES = 32;
// 200 bytes each.
const MAX_CACHED = 10_000;

export interface SubjectKey {
  readonly id: string;
  readonly secret: KeyObject;
  /** From the secret, for nonces: the cipher's own key is used for nothing else. */
  readonly nonceSecret: string;
}

/** Answers the key to encrypt with, made on first use. @throws {AuditError} ERR_AUDIT_KEYS, or the system's error, while there is none to be had */
export function createSubjectKeys(directory: string): (actorId: string) => SubjectKey {
  const cache = new Map<string, SubjectKey & { readonly file: string }>();
  let isPrepared = false;
  return (actorId) => {
    const cached = cache.get(actorId);
    // Looked at each time, 2 µs: another process may have destroyed it, and what is encrypted with it then is lost.
    if (cached !== undefined && existsSync(cached.file)) return cached;
    cache.delete(actorId);
    if (!isPrepared) prepareKeyDirectory(directory);
    isPrepared = true;
    const file = presentKeyFile(directory, actorId);
    const key = { ...(readKey(file) ?? makeKey(directory, file)), file: file.key };
    const [oldest] = cache.size < MAX_CACHED ? [] : cache.keys();
    if (oldest !== undefined) cache.delete(oldest);
    cache.set(actorId, key);
    return key;
  };
}

/** `erased`: its tombstone stands. `missing`: it was made elsewhere, or lost. */
export function findSubjectKey(directory: string, id: string): SubjectKey | 'erased' | 'missing' {
  const file = keyFileOf(directory, id);
  if (file === undefined) return 'missing';
  if (existsSync(file.tombstone)) return 'erased';
  return readKey(file) ?? 'missing';
}

function readKey({ id, key }: KeyFile): SubjectKey | undefined {
  let secret: Buffer;
  try {
    secret = readFileSync(key);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  // A power cut may leave an empty file.
  if (secret.length !== KEY_BYTES) throw new AuditError('ERR_AUDIT_KEYS', `the key ${id} in AUDIT_SUBJECT_KEYS is damaged`);
  return { id, secret: createSecretKey(secret), nonceSecret: createHash('sha256').update('nonce').update(secret).digest('base64') };
}

/** link() fails where the name exists, and what appears under it is whole. */
function makeKey(directory: string, file: KeyFile): SubjectKey {
  const temporary = path.join(directory, `.${file.id}.${randomBytes(8).toString('hex')}`);
  writeFileSync(temporary, randomBytes(KEY_BYTES), { flag: 'wx', mode: 0o600 });
  try {
    linkSync(temporary, file.key);
    // Not awaited, as the journal's own sync is not: both reach the disk within the same moments.
    syncSoon(directory, file.key);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    unlinkSync(temporary);
  }
  const key = readKey(file);
  if (key === undefined) throw new AuditError('ERR_AUDIT_KEYS', `the key ${file.id} in AUDIT_SUBJECT_KEYS was destroyed as it was made`);
  return key;
}

const unsynced = new Set<string>();
let isSyncing = false;

/** One file at a time, whatever number of persons come at once; beyond a bound the system's own write-back must do. */
function syncSoon(directory: string, file: string): void {
  if (unsynced.size < MAX_CACHED) unsynced.add(file);
  if (isSyncing) return;
  isSyncing = true;
  void syncAll(directory)
    .catch(() => undefined)
    .finally(() => {
      isSyncing = false;
    });
}

async function syncAll(directory: string): Promise<void> {
  for (const file of unsynced) {
    unsynced.delete(file);
    // It may have been destroyed since.
    await syncFile(file).catch(() => undefined);
  }
  await syncFile(directory);
}

async function syncFile(name: string): Promise<void> {
  const handle = await open(name);
  await handle.sync().finally(() => handle.close());
}
