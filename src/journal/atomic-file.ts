/** Small files that are either whole or absent: written beside, synced, renamed. */

import { randomBytes } from 'node:crypto';
import { link, open, readFile, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

export async function writeFileAtomic(path: string, text: string): Promise<void> {
  const temporary = await writeTemporary(path, text);
  await rename(temporary, path).catch(async (error: unknown) => {
    await unlink(temporary).catch(() => undefined);
    throw error;
  });
  await syncDirectory(dirname(path));
}

/** Creates the file with its whole text, or answers false because somebody else was first. */
export async function createFileAtomic(path: string, text: string): Promise<boolean> {
  const temporary = await writeTemporary(path, text);
  try {
    // link() fails when the name exists, and what appears under it is complete. rename() would replace, O_EXCL would show an empty file.
    await link(temporary, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
}

/**
 * The parsed file; undefined if it is absent or not JSON (a power cut can leave an empty file).
 *
 * @throws the system's error if it is there and cannot be read: what it says is not known, which is not the same as nothing
 */
export async function readJsonFile(path: string): Promise<unknown> {
  const text = await ifThere(readFile(path, 'utf8'));
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

/**
 * What a call to the file system answers; undefined if what it is about is not there.
 *
 * @throws the system's error where it cannot tell
 */
export async function ifThere<Value>(call: Promise<Value>): Promise<Value | undefined> {
  try {
    return await call;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** Has what a file holds on the disk. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Makes the names in a directory survive a power cut. Does nothing where the system or the file system has no such thing.
 *
 * @throws the system's error: they may not survive
 */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r').catch(unlessUnsupported);
  try {
    await handle?.sync().catch(unlessUnsupported);
  } finally {
    await handle?.close();
  }
}

/** Windows opens or syncs no directory; some network file systems and FUSE sync none, and there is nothing to sync on what is read-only. */
const UNSUPPORTED: ReadonlySet<string | undefined> = new Set([
  'EPERM',
  'EISDIR',
  'EINVAL',
  'EBADF',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EROFS',
]);

function unlessUnsupported(error: unknown): undefined {
  if (!UNSUPPORTED.has(codeOf(error))) throw error;
}

async function writeTemporary(path: string, text: string): Promise<string> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return temporary;
}
