/** A segment to read from, whatever form it lies in. */

import { type FileHandle, open, stat } from 'node:fs/promises';
import { ifThere } from './atomic-file.js';
import { readCompressed } from './compression.js';
import { segmentPath } from './layout.js';

export interface SegmentSource {
  size(): Promise<number>;
  /** Reads to the start of `into` and answers how many bytes. */
  read(into: Buffer, length: number, position: number): Promise<number>;
  /** False: under its name there is another file now. */
  isInPlace(): Promise<boolean>;
  close(): Promise<void>;
}

/** Undefined if there is no such segment. */
export async function openSegment(streamDirectory: string, segment: number): Promise<SegmentSource | undefined> {
  const path = segmentPath(streamDirectory, segment);
  const handle = await ifThere(open(path, 'r'));
  if (handle !== undefined) return fileSource(path, handle);
  const bytes = await readCompressed(path);
  return bytes && memorySource(bytes);
}

function fileSource(path: string, handle: FileHandle): SegmentSource {
  return {
    size: async () => (await handle.stat()).size,
    read: async (into, length, position) => (await handle.read(into, 0, length, position)).bytesRead,
    async isInPlace() {
      const named = await stat(path).catch(() => undefined);
      return named !== undefined && named.ino === (await handle.stat()).ino;
    },
    // It was only read, and it is closed whatever the system says.
    close: () => handle.close().catch(() => undefined),
  };
}

/** 8 MB at most, as a segment is. */
function memorySource(bytes: Buffer): SegmentSource {
  return {
    size: async () => bytes.length,
    read: async (into, length, position) => bytes.copy(into, 0, position, position + length),
    isInPlace: async () => true,
    close: async () => undefined,
  };
}
