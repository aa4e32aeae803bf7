/** Reading the trail is an event of the trail, where `AUDIT_RECORD_READING` is on: recorded first, and if that fails nothing is shown. */

import { audit } from '../api.js';
import { loadConfig } from '../config.js';
import { AuditError } from '../errors.js';
import { operatingUser } from './operating-user.js';
import { startRecording } from './start-recording.js';

export interface Reading {
  readonly command: string;
  readonly trail: string;
  /** What of it: members without a value are left out. */
  readonly filter: object;
}

/** @throws {AuditError} ERR_AUDIT_JOURNAL if it is wanted and cannot be recorded */
export async function recordReading({ command, trail, filter }: Reading): Promise<void> {
  if (!isWanted()) return;
  const handle = startRecording();
  const receipt = await audit({
    action: 'audit.read',
    actor: operatingUser(),
    target: { type: 'audit.trail', id: trail },
    metadata: { command, filter: Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)) },
  });
  await handle.shutdown();
  if (receipt?.durable !== true)
    throw new AuditError('ERR_AUDIT_JOURNAL', 'the reading could not be recorded, so nothing is shown; see the warnings before');
}

function isWanted(): boolean {
  // A trail can be read without a configuration; then there is nowhere to record that either.
  if (process.env['AUDIT_RECORD_READING'] === undefined && process.env['AUDIT_CONFIG_FILE'] === undefined) return false;
  return loadConfig({ env: process.env, directory: process.cwd() }).recordReading;
}
