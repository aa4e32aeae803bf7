/** What a stream says about itself: whose it is and where its records go, and in `stop.json` how it ended. */

import { constants, writeFileSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readJsonFile, syncDirectory, syncFile, writeFileAtomic } from './atomic-file.js';

export interface StreamManifest {
  readonly service: string;
  /** Fingerprint of the destinations. Only a process with the same service and destinations may adopt the stream. */
  readonly destinations: string;
  /** Whose cursors are to be expected, as named in the configuration; undefined where delivery is left to others. */
  readonly exporters?: readonly string[] | undefined;
  /** True: its process delivers for a whole host. */
  readonly servesAll?: boolean | undefined;
  /** Of the key that its lines are encrypted with; undefined: they are not. */
  readonly keyId?: string | undefined;
}

export interface StreamStop {
  /** True: closed by its own process. False: found without an owner. */
  readonly clean: boolean;
  readonly lastSeq: number;
  /** True: every exporter is done with it; it is kept for its own sake (file exporter, dead letters). */
  readonly complete: boolean;
}

export const MANIFEST_FILE = 'manifest.json';
const STOP_FILE = 'stop.json';

export function manifestText(manifest: StreamManifest): string {
  const { service, destinations, exporters, servesAll, keyId } = manifest;
  return JSON.stringify({ version: 1, service, destinations, exporters, servesAll, keyId });
}

/** Without its manifest nobody finds a stream after a power cut, however well its records were synced. */
export async function syncManifest(streamDirectory: string): Promise<void> {
  await syncFile(join(streamDirectory, MANIFEST_FILE));
  let directory = streamDirectory;
  // Those above may have been made with it, by this process or by another that was not the first to sync.
  for (; await isOurs(directory); directory = dirname(directory)) await syncDirectory(directory);
  await syncDirectory(directory).catch(() => undefined);
}

/** Others', and those that are closed even to us, may not let themselves be synced. */
async function isOurs(directory: string): Promise<boolean> {
  const { uid, mode } = await stat(directory);
  return directory !== dirname(directory) && uid === process.getuid?.() && (mode & constants.S_IRUSR) !== 0;
}

export async function readManifest(streamDirectory: string): Promise<StreamManifest | undefined> {
  const value = (await readJsonFile(join(streamDirectory, MANIFEST_FILE))) as Partial<StreamManifest> | null | undefined;
  const { service, destinations, exporters, servesAll, keyId } = value ?? {};
  if (typeof service !== 'string' || typeof destinations !== 'string') return undefined;
  return { service, destinations, exporters: isNames(exporters) ? exporters : undefined, servesAll: servesAll === true, keyId };
}

/** Those of the first versions say nothing of them. */
function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}

export async function writeStop(streamDirectory: string, stop: StreamStop): Promise<void> {
  await writeFileAtomic(join(streamDirectory, STOP_FILE), JSON.stringify(stop));
}

/** For the `exit` event. A power cut may leave it empty, which reads as absent. */
export function writeStopSync(streamDirectory: string, stop: StreamStop): void {
  writeFileSync(join(streamDirectory, STOP_FILE), JSON.stringify(stop), { mode: 0o600 });
}

/** It goes on after all. */
export async function removeStop(streamDirectory: string): Promise<void> {
  await rm(join(streamDirectory, STOP_FILE), { force: true });
}

export async function readStop(streamDirectory: string): Promise<StreamStop | undefined> {
  const value = (await readJsonFile(join(streamDirectory, STOP_FILE))) as Partial<StreamStop> | null | undefined;
  const { clean, lastSeq, complete } = value ?? {};
  if (typeof clean !== 'boolean' || typeof lastSeq !== 'number') return undefined;
  return { clean, lastSeq, complete: complete === true };
}
