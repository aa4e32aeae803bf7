/** What a command does to a trail is an event of it: recorded before it is begun, and once it is done. */

import { createPostgresExporter, type DatabaseAccess } from '../../exporters/postgres/index.js';
import { audit } from '../api.js';
import { AuditError, messageOf } from '../errors.js';
import type { JsonObject } from '../record.js';
import { placeOf } from '../trail/place.js';
import type { CommandContext } from './context.js';
import { operatingUser } from './operating-user.js';
import { startRecording } from './start-recording.js';

export interface Deed<Result> {
  /** Actions of the two records: cut off between them, the trail says that it must be looked after. */
  readonly begun: string;
  readonly done: string;
  readonly metadata: JsonObject;
  readonly work: () => Promise<Result>;
  /** For the second record. */
  readonly outcome: (result: Result) => JsonObject;
}

/** What is done to, and where that is recorded if the environment does not say. */
export interface Place {
  readonly target: { readonly type: string; readonly id: string };
  readonly fallback?: DatabaseAccess | undefined;
}

/** A trail in a database: the one named, or the configured one. */
export function trailAt({ config, access }: Pick<CommandContext, 'config' | 'access'>, url: string | undefined): Place {
  const trail = access(url);
  return {
    target: { type: 'audit.trail', id: placeOf(trail.url) },
    fallback: config().postgres.url === undefined ? trail : undefined,
  };
}

/**
 * @throws {AuditError} ERR_AUDIT_JOURNAL if the first record could not be made; then nothing was done. Whatever the work throws.
 */
export async function recorded<Result>(
  { target, fallback }: Place,
  { begun, done, metadata, work, outcome }: Deed<Result>,
): Promise<Result> {
  const handle = startRecording(fallback === undefined ? {} : { exporters: [createPostgresExporter(fallback)] });
  const event = { actor: operatingUser(), target };
  try {
    const first = await audit({ ...event, action: begun, outcome: 'unknown', metadata });
    if (first?.durable !== true)
      throw new AuditError('ERR_AUDIT_JOURNAL', 'nothing was done, as it could not be recorded; see the warnings before');
    const result = await work().catch(async (error: unknown) => {
      await audit({ ...event, action: done, outcome: 'failure', error: messageOf(error), metadata: { ...metadata, begun: first.id } });
      throw error;
    });
    const second = await audit({
      ...event,
      action: done,
      outcome: 'success',
      metadata: { ...metadata, begun: first.id, ...outcome(result) },
    });
    if (second?.durable !== true)
      throw new AuditError('ERR_AUDIT_JOURNAL', `it was done, which could not be recorded; its beginning was, as ${first.id}`);
    return result;
  } finally {
    await handle.shutdown();
    warnOf(Object.entries(handle.health().exporters));
  }
}

function warnOf(
  exporters: readonly (readonly [string, { readonly undelivered: number; readonly lastError?: string | undefined }])[],
): void {
  for (const [name, { undelivered, lastError }] of exporters) {
    if (undelivered > 0)
      process.stderr.write(
        `what was done is recorded in the journal, and not yet in ${name} (${lastError ?? 'not in time'}): a writer has to be in AUDIT_POSTGRES_URL, and who may do this in --url\n`,
      );
  }
}
