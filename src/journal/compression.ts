/** Closed segments as compressed files: `00000001.jsonl.gz` beside or instead of `00000001.jsonl`. */

import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, rename, rm, stat, unlink, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { AuditError } from '../errors.js';
import { ifThere, syncDirectory, syncFile } from './atomic-file.js';

export type Compression = 'none' | 'gzip' | 'zstd';

/** Node 20 has no zstd, and its types do not know of it. */
interface Zstd {
  createZstdCompress?(): Transform;
  createZstdDecompress?(options: { readonly chunkSize: number }): Transform;
  zstdDecompress?(bytes: Uint8Array, done: (error: Error | null, result: Buffer) => void): void;
}
const { createZstdCompress, createZstdDecompress, zstdDecompress }: Zstd = zlib as object;

const SUFFIX_OF = { gzip: '.gz', zstd: '.zst' } as const;
export const COMPRESSED_SUFFIXES: readonly string[] = Object.values(SUFFIX_OF);

export function canCompress(compression: Compression): boolean {
  return compression !== 'zstd' || createZstdCompress !== undefined;
}

/** Replaces the segment by its compressed form, with the same time. At every moment one of the two is there, whole. */
export async function compressSegment(path: string, compression: 'gzip' | 'zstd'): Promise<void> {
  const compressor = compression === 'gzip' ? zlib.createGzip() : createZstdCompress?.();
  if (compressor === undefined) throw new Error('this Node has no zstd');
  const target = path + SUFFIX_OF[compression];
  const temporary = `${target}.${randomBytes(6).toString('hex')}.tmp`;
  const { atime, mtime } = await stat(path);
  try {
    await pipeline(createReadStream(path), compressor, createWriteStream(temporary, { flags: 'wx', mode: 0o600 }));
    await syncFile(temporary);
    await utimes(temporary, atime, mtime);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
  await unlink(path);
}

/** The text of a segment that is there in compressed form only; undefined if it is not. */
export async function readCompressed(path: string): Promise<Buffer | undefined> {
  const gzip = await ifThere(readFile(path + SUFFIX_OF.gzip));
  if (gzip !== undefined) return await promisify(zlib.gunzip)(gzip);
  const zstd = await ifThere(readFile(path + SUFFIX_OF.zstd));
  if (zstd === undefined) return undefined;
  if (zstdDecompress === undefined) throw new Error(`${path}${SUFFIX_OF.zstd} needs Node 22.15 or newer to be read`);
  return await promisify(zstdDecompress)(zstd);
}

/**
 * What turns such a file into its text, in pieces of so many bytes; undefined if by its name it is text.
 *
 * @throws {AuditError} ERR_AUDIT_TRAIL if this Node cannot
 */
export function createDecompressor(name: string, chunkSize: number): Transform | undefined {
  if (name.endsWith(SUFFIX_OF.gzip)) return zlib.createGunzip({ chunkSize });
  if (!name.endsWith(SUFFIX_OF.zstd)) return undefined;
  if (createZstdDecompress === undefined) throw new AuditError('ERR_AUDIT_TRAIL', `${name} needs Node 22.15 or newer to be read`);
  return createZstdDecompress({ chunkSize });
}
