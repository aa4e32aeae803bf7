/** The file exporter: the journal is the trail. It writes nothing itself; it answers for the lines being on the disk. */

import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Acknowledgement, AuditExporter } from '../../src/exporter.js';
import { allDelivered, allRetry } from '../../src/exporter.js';
import type { JournalledRecord } from '../../src/record.js';

export interface FileExporterOptions {
  /** The directory the journal is kept in. */
  readonly directory: string;
}

export function createFileExporter({ directory }: FileExporterOptions): AuditExporter {
  /** By stream, the newest segment that was synced: older ones are closed and not looked at again. */
  const synced = new Map<string, string>();
  let shutDown = false;
  return {
    name: 'file',

    async export(records: readonly JournalledRecord[], signal: AbortSignal): Promise<readonly Acknowledgement[]> {
      if (shutDown) return allRetry(records.length, 'the exporter is shut down');
      if (signal.aborted) return allRetry(records.length, 'the deadline passed');
      for (const stream of new Set(records.map((record) => record.integrity.stream))) {
        const fault = await syncStream(join(directory, stream), synced.get(stream) ?? '').then(
          (newest) => void synced.set(stream, newest),
          (error: NodeJS.ErrnoException) => error.code ?? error.name,
        );
        if (fault !== undefined) return allRetry(records.length, `the trail cannot be synced (${fault})`);
      }
      return allDelivered(records.length);
    },

    async shutdown() {
      shutDown = true;
      synced.clear();
    },
  };
}

/** Syncs the segments from `from` on and answers the newest. A sync is the file's, whichever descriptor asks for it. */
async function syncStream(streamDirectory: string, from: string): Promise<string> {
  const segments = (await readdir(streamDirectory)).filter((name) => name.endsWith('.jsonl') && name >= from).sort();
  const newest = segments.at(-1);
  // The records came from here: without a file they are on no disk.
  if (newest === undefined) throw Object.assign(new Error('no segment'), { code: 'ENOENT' });
  for (const segment of segments) await syncFile(join(streamDirectory, segment));
  return newest;
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}
