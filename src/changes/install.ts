/** Installs the tracking of tables in the service's database, and takes it away. No writer waits for it longer than its lock may. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientBase } from 'pg';
import { AuditError } from '../errors.js';
import { inTransaction, isBusy, withLockTimeout } from './lock.js';

/** From `dist/src/changes` up to the package. */
const SQL_FILE = join(__dirname, '../../../src/changes/triggers.sql');

export interface Table {
  readonly oid: number;
  /** Quoted where it must be. */
  readonly name: string;
  readonly columns: readonly string[];
}

export interface TrackedTable {
  readonly name: string;
  readonly exists: boolean;
  readonly excluded: readonly string[];
  readonly masked: readonly string[];
  readonly trackedAt: string;
  /** Triggers that are missing or disabled. */
  readonly broken: readonly string[];
  /** Columns that came after the table was tracked: masked until it is tracked again. */
  readonly unclassified: readonly string[];
}

export interface TrackOptions {
  readonly excluded: readonly string[];
  readonly masked: readonly string[];
}

/** The SQL that makes `audit.changes` and its functions. For a database that has none. */
export function installSql(): string {
  return readFileSync(SQL_FILE, 'utf8');
}

/** True if it was made now. */
export async function install(client: ClientBase): Promise<boolean> {
  return await inTransaction(client, async () => {
    await client.query('SELECT pg_advisory_xact_lock(1635083369, 4)');
    if (await isInstalled(client)) return false;
    await client.query(installSql());
    return true;
  });
}

export async function isInstalled(client: ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>("SELECT to_regclass('audit.changes') IS NOT NULL AS there");
  return rows[0]?.there === true;
}

/** A table and, of a partitioned one, every partition: statements may name either. Throws ERR_AUDIT_CONFIG if there is none. */
export async function findTables(client: ClientBase, name: string): Promise<readonly Table[]> {
  const { rows } = await client.query<Table>(
    `SELECT c.oid::int8::int AS oid, format('%I.%I', nspname, relname) AS name,
       ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum) AS columns
     FROM pg_class c JOIN pg_namespace s ON s.oid = relnamespace
     WHERE relkind IN ('r', 'p') AND (c.oid = to_regclass($1) OR c.oid IN (SELECT relid FROM pg_partition_tree(to_regclass($1))))`,
    [name],
  );
  if (rows.length === 0) throw new AuditError('ERR_AUDIT_CONFIG', `there is no table ${name} in this database, or the role may not see it`);
  return rows;
}

export async function track(client: ClientBase, table: Table, { excluded, masked }: TrackOptions): Promise<void> {
  await withTableLock(client, table, () => client.query('SELECT audit.track($1, $2, $3)', [table.oid, excluded, masked]));
}

export async function untrack(client: ClientBase, table: Table): Promise<void> {
  await withTableLock(client, table, () => client.query('SELECT audit.untrack($1)', [table.oid]));
}

/** The lock that CREATE TRIGGER takes. */
async function withTableLock(client: ClientBase, table: Table, work: () => Promise<unknown>): Promise<void> {
  try {
    await withLockTimeout(client, async () => {
      await client.query(`LOCK TABLE ${table.name} IN SHARE ROW EXCLUSIVE MODE`);
      await work();
    });
  } catch (cause) {
    if (!isBusy(cause)) throw cause;
    throw new AuditError('ERR_AUDIT_CONFIG', `${table.name} is locked by long transactions; end them or try at a quieter time`, { cause });
  }
}

export async function trackedTables(client: ClientBase): Promise<readonly TrackedTable[]> {
  const { rows } = await client.query<TrackedTable>(
    `SELECT t.name, c.oid IS NOT NULL AS exists, excluded, masked, tracked_at::text AS "trackedAt",
       ARRAY(SELECT wanted FROM unnest(ARRAY['audit_insert', 'audit_update', 'audit_delete', 'audit_truncate']) AS wanted
         WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = t.relation AND tgname = wanted AND tgenabled IN ('O', 'A'))) AS broken,
       ARRAY(SELECT attname::text FROM pg_attribute
         WHERE attrelid = t.relation AND attnum > 0 AND NOT attisdropped AND attname <> ALL (known)) AS unclassified
     FROM audit.tracked t LEFT JOIN pg_class c ON c.oid = t.relation ORDER BY t.name`,
  );
  return rows;
}
