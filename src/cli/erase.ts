/** `otel-audit erase`: destroys the keys of one person, as the law or the person asks, and records that it was done. */

import type { Command } from 'commander';
import { holdsOnActor } from '../../exporters/postgres/index.js';
import { audit } from '../api.js';
import { AuditConfigError, AuditError, messageOf } from '../errors.js';
import { erasableKeys, eraseSubject } from '../subjects/erasure.js';
import type { CommandContext } from './context.js';
import { operatingUser } from './operating-user.js';
import { startRecording } from './start-recording.js';

export function addErase(program: Command, context: CommandContext): void {
  program
    .command('erase')
    .description('say which keys of a person there are; with --apply, destroy them for good and record that')
    .requiredOption('--actor <id>', 'as the trail names them')
    .option('--reason <text>', 'recorded, such as the number of the request')
    .option('--apply', 'destroy them; without it nothing is changed', false)
    .option('--url <url>', 'the database of which the legal holds count; default: as the postgres exporter is configured')
    .action(async ({ actor, reason, apply, url }: EraseFlags) => {
      const directory = context.config().keys.subjects;
      if (directory === undefined) throw new AuditConfigError(['AUDIT_SUBJECT_KEYS: must be set to the directory that the services use']);
      await refuseWhatIsHeld(context, actor, url);
      const keys = erasableKeys(directory, actor);
      if (keys.length === 0) return context.write(`there is no key of ${actor}: nothing is encrypted for them, or all of it is erased\n`);
      if (!apply) return context.write(`${keysOf(keys)} of ${actor} would be destroyed; nothing was changed, --apply destroys\n`);
      await erase(directory, actor, reason);
      context.write(`${keysOf(keys)} of ${actor} destroyed, as the trail says: their bodies and names can be read nowhere any more\n`);
    });
}

interface EraseFlags {
  readonly actor: string;
  readonly reason?: string;
  readonly apply: boolean;
  readonly url?: string;
}

async function refuseWhatIsHeld({ access, config }: CommandContext, actor: string, url: string | undefined): Promise<void> {
  if (url === undefined && config().postgres.url === undefined) return;
  const holds = await holdsOnActor(access(url), actor);
  if (holds.length === 0) return;
  const which = holds.map(({ id, reason }) => `${id} "${reason}"`).join(', ');
  throw new AuditError('ERR_AUDIT_KEYS', `nothing was erased: ${actor} is under legal hold ${which}; it must be released first`);
}

/** Recorded before it is begun and once it is done: cut off between the two, the trail says that it must be looked after. */
async function erase(directory: string, actor: string, reason: string | undefined): Promise<void> {
  const handle = startRecording();
  const event = { actor: operatingUser(), target: { type: 'audit.subject', id: actor } };
  try {
    const begun = await audit({
      ...event,
      action: 'audit.erasing',
      outcome: 'unknown',
      metadata: { keys: erasableKeys(directory, actor), reason },
    });
    if (begun?.durable !== true)
      throw new AuditError('ERR_AUDIT_JOURNAL', 'nothing was erased, as it could not be recorded; see the warnings before');
    const result = destroyed(directory, actor, begun.id, reason);
    const done = await audit({ ...event, action: 'audit.erased', ...result });
    if (done?.durable !== true)
      throw new AuditError('ERR_AUDIT_JOURNAL', `what became of the erasure could not be recorded; its beginning was, as ${begun.id}`);
    if (result.outcome === 'failure')
      throw new AuditError('ERR_AUDIT_KEYS', `not every key could be destroyed, as the trail says; repeat it: ${result.error}`);
  } finally {
    await handle.shutdown();
  }
}

function destroyed(directory: string, actor: string, begun: string, reason: string | undefined) {
  try {
    return { outcome: 'success', metadata: { keys: eraseSubject(directory, actor), begun, reason } } as const;
  } catch (error) {
    return { outcome: 'failure', metadata: { keys: erasableKeys(directory, actor), begun, reason }, error: messageOf(error) } as const;
  }
}

function keysOf(keys: readonly string[]): string {
  return keys.length === 1 ? '1 key' : `${keys.length} keys`;
}
