/** Destroys the keys of one person: what they encrypt, wherever its copies are, can be read by nobody from then on. */

import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { type KeyFile, remainingKeyFiles } from './key-files.js';
import { KEY_BYTES } from './subject-keys.js';

/** Ids of the keys that `eraseSubject` would destroy. */
export function erasableKeys(directory: string, actorId: string): readonly string[] {
  return remainingKeyFiles(directory, actorId).map(({ id }) => id);
}

/** Answers their ids. May be repeated after it was cut off. @throws the system's error; what was destroyed till then stays so */
export function eraseSubject(directory: string, actorId: string): readonly string[] {
  const files = remainingKeyFiles(directory, actorId);
  for (const file of files) destroy(directory, file);
  return files.map(({ id }) => id);
}

/** The tombstone is on the disk first: cut off anywhere, no process takes the key for a good one or makes another of its name. */
function destroy(directory: string, { key, tombstone }: KeyFile): void {
  withFile(tombstone, 'a', () => undefined);
  syncDirectory(directory);
  // Where the disk writes in place, not even its blocks keep the key.
  withFile(key, 'r+', (file) => writeSync(file, randomBytes(KEY_BYTES), 0, KEY_BYTES, 0));
  unlinkSync(key);
  syncDirectory(directory);
}

function withFile(name: string, flags: string, work: (file: number) => void): void {
  const file = openSync(name, flags, 0o600);
  try {
    work(file);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function syncDirectory(directory: string): void {
  const handle = openSync(directory, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
