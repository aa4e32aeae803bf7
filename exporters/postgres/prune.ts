/** Removes rows whose period is over, partition by partition, through the one function that may: `audit_prune`. */

import type { ClientBase } from 'pg';
import type { JsonValue } from '../../src/record.js';
import { type DatabaseAccess, withConnection } from './connection.js';
import { isLocked } from './errors.js';

/** How long rows are kept: as PostgreSQL reads intervals (`400 days`). */
export interface KeepPeriods {
  readonly default: string;
  /** By tenant id; goes before a level's. */
  readonly tenants?: Readonly<Record<string, string>> | undefined;
  /** By what a row holds: `full` (a response body), `request` (a request body), `metadata` (neither). */
  readonly levels?: Readonly<Record<string, string>> | undefined;
}

export interface PruneOptions {
  readonly keep: KeepPeriods;
  /** False: counts, and removes nothing. */
  readonly apply: boolean;
}

/** Of one partition. */
export interface Pruned {
  readonly partition: string;
  readonly total: number;
  /** Rows whose period is over. */
  readonly expired: number;
  /** Of these, kept because a legal hold covers them. */
  readonly held: number;
  /** Removed, or to be removed. */
  readonly removed: number;
  /** The last one when it was removed, as `audit_removals` has it; null if there was none. Undefined where nothing was removed. */
  readonly checkpoint?: JsonValue | undefined;
}

/** A large partition is counted, and copied where some of it is kept. */
const TIMEOUT_MS = 3_600_000;
/** A writer, a backup or a report is in the way for 2 s each time. */
const ATTEMPTS = 3;

/**
 * Partition by partition, oldest first; each is a transaction of its own.
 *
 * @param access of the owner or of a member of the retention role
 * @throws {AuditError} ERR_AUDIT_EXPORTER if the database refuses; what was removed before is removed, and in `audit_removals`
 */
export function prune(access: DatabaseAccess, options: PruneOptions): Promise<readonly Pruned[]> {
  return withConnection(access, { what: 'not (all) pruned', statementTimeoutMs: TIMEOUT_MS }, async (client) => {
    const results: Pruned[] = [];
    for (const partition of await partitionsOf(client)) results.push(await prunePartition(client, partition, options));
    return results.filter(({ expired }) => expired > 0);
  });
}

/** Names, oldest first. */
async function partitionsOf(client: ClientBase): Promise<readonly string[]> {
  const { rows } = await client.query<{ readonly name: string }>(
    "SELECT relname AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'audit_logs'::regclass ORDER BY 1",
  );
  return rows.map(({ name }) => name);
}

async function prunePartition(client: ClientBase, partition: string, { keep, apply }: PruneOptions): Promise<Pruned> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { rows } = await client.query<Omit<Pruned, 'partition'>>(
        'SELECT total::float8, expired::float8, held::float8, removed::float8 FROM audit_prune($1, $2, $3)',
        [partition, JSON.stringify(keep), apply],
      );
      const counts = rows[0] ?? NOTHING;
      return { partition, ...counts, ...(apply && counts.removed > 0 && { checkpoint: await lastCheckpoint(client, partition) }) };
    } catch (error) {
      if (!isLocked(error) || attempt === ATTEMPTS) throw error;
    }
  }
}

async function lastCheckpoint(client: ClientBase, partition: string): Promise<JsonValue> {
  const { rows } = await client.query<{ readonly checkpoint: JsonValue }>(
    'SELECT checkpoint FROM audit_removals WHERE partition = $1 ORDER BY id DESC LIMIT 1',
    [partition],
  );
  return rows[0]?.checkpoint ?? null;
}

const NOTHING: Omit<Pruned, 'partition'> = { total: 0, expired: 0, held: 0, removed: 0 };
