/**
 * Makes a private directory and those above it, or does nothing if it is there.
 *
 * Node's own `mkdirSync(…, { recursive: true })` never returns where a file system answers ENOENT below a directory that is there, as
 * /proc does, and takes the service with it.
 */

import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf } from './atomic-file.js';

/** @throws the system's error if it cannot be made, or something else lies there */
export function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST' && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
    if (code !== 'ENOENT' || existsSync(dirname(path))) throw error;
    makeDirectory(dirname(path));
    makeDirectory(path);
  }
}
