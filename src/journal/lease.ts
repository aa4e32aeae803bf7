/** Who owns a stream. Generations instead of one file: taking over creates the next one, which only one process can. */

import { writeFileSync } from 'node:fs';
import { readdir, stat, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { createFileAtomic, ifThere, readJsonFile } from './atomic-file.js';
import { isAlive, type ProcessIdentity } from './process-identity.js';

/** How often an owner refreshes its lease. */
export const HEARTBEAT_MS = 30_000;
/** Without a sign of life for so long, an owner that cannot be asked (another host) is dead. Four heartbeats. */
export const LEASE_TIMEOUT_MS = 120_000;

export interface LeaseState {
  readonly generation: number;
  readonly dead: boolean;
}

/** The first lease of a stream that nobody else knows yet. */
export function createLease(streamDirectory: string, owner: ProcessIdentity): void {
  writeFileSync(leasePath(streamDirectory, FIRST_GENERATION), JSON.stringify(owner), { mode: 0o600 });
}

export const FIRST_GENERATION = 1;

/** Takes the lease of generation `generation`; false if another process has it. */
export function takeLease(streamDirectory: string, generation: number, owner: ProcessIdentity): Promise<boolean> {
  return createFileAtomic(leasePath(streamDirectory, generation), JSON.stringify(owner));
}

export async function refreshLease(streamDirectory: string, generation: number, nowMs: number): Promise<void> {
  await utimes(leasePath(streamDirectory, generation), nowMs / 1000, nowMs / 1000);
}

/** The newest lease of a stream, and whether its owner is dead and its writer too; undefined if the stream has none. */
export async function readLease(streamDirectory: string, own: ProcessIdentity, nowMs: number): Promise<LeaseState | undefined> {
  const generations = (await readdir(streamDirectory)).map(generationOf).filter((generation) => generation !== undefined);
  if (generations.length === 0) return undefined;
  const generation = Math.max(...generations);
  const dead = await isDead(streamDirectory, generation, own, nowMs);
  // Given up between the two looks.
  if (dead === undefined) return await readLease(streamDirectory, own, nowMs);
  // Whoever had taken it over is gone, and whom it was taken from was not.
  return { generation, dead: dead && !(await isWriterBack(streamDirectory, generation, own, nowMs)) };
}

/** Whether the process that began the stream lives, from which it was taken over with the lease of generation `generation`. */
export async function isWriterBack(streamDirectory: string, generation: number, own: ProcessIdentity, nowMs: number): Promise<boolean> {
  return generation > FIRST_GENERATION && (await isDead(streamDirectory, FIRST_GENERATION, own, nowMs)) === false;
}

/** Undefined: there is no such lease. */
async function isDead(streamDirectory: string, generation: number, own: ProcessIdentity, nowMs: number): Promise<boolean | undefined> {
  const path = leasePath(streamDirectory, generation);
  const owner = await readJsonFile(path);
  const alive = isIdentity(owner) ? isAlive(owner, own) : undefined;
  if (alive !== undefined) return !alive;
  const status = await ifThere(stat(path));
  return status && nowMs - status.mtimeMs > LEASE_TIMEOUT_MS;
}

/** Gives the stream up, so that another process need not wait for this one's end. */
export async function releaseLease(streamDirectory: string, generation: number): Promise<void> {
  await unlink(leasePath(streamDirectory, generation)).catch(() => undefined);
}

function leasePath(streamDirectory: string, generation: number): string {
  return join(streamDirectory, `lease.${generation}.json`);
}

function generationOf(fileName: string): number | undefined {
  const match = /^lease\.(\d{1,9})\.json$/.exec(fileName);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

function isIdentity(value: unknown): value is ProcessIdentity {
  if (value === null || typeof value !== 'object') return false;
  const { pid, host } = value as Partial<ProcessIdentity>;
  return typeof pid === 'number' && Number.isInteger(pid) && pid > 0 && typeof host === 'string';
}
