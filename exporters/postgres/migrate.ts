/** Makes and upgrades the tables: versioned, repeatable, and safe when many processes start at once. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientBase } from 'pg';
import { type DatabaseAccess, withConnection } from './connection.js';
import { rolesSql } from './roles.js';

export interface MigrationResult {
  /** Of the tables now. */
  readonly version: number;
  /** Versions applied by this call; empty if there was nothing to do. */
  readonly applied: readonly number[];
}

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

/** From `dist/exporters/postgres` up to the package. */
const SQL_DIRECTORY = join(__dirname, '../../../exporters/postgres/sql');

/** Waiting for another process's migration included. */
const MIGRATION_TIMEOUT_MS = 60_000;

/** Holds other migrations off until the end of the transaction. */
const LOCK = 'SELECT pg_advisory_xact_lock(1635083369, 1)';

const LEDGER = `CREATE TABLE IF NOT EXISTS audit_migrations (
  version integer PRIMARY KEY,
  name text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
)`;

export interface MigrationOptions {
  /** Size of the partitions made from now on. Default: as it is, a month at first. */
  readonly partitions?: 'month' | 'day' | undefined;
  /** Makes the roles `<prefix>_writer`, `_reader`, `_retention`, and switches row level security on. Default: no roles. */
  readonly rolePrefix?: string | undefined;
}

/**
 * Makes or upgrades `audit_logs` and all it needs, in the first schema of the role's search path.
 *
 * @param access of a role that may create tables there; it becomes their owner
 * @throws {AuditError} ERR_AUDIT_EXPORTER if the database cannot be reached or refuses
 */
export function createTables(access: DatabaseAccess | string, options: MigrationOptions = {}): Promise<MigrationResult> {
  const extras = extrasOf(options);
  return withConnection(
    typeof access === 'string' ? { url: access } : access,
    { what: 'the audit tables were not migrated', statementTimeoutMs: MIGRATION_TIMEOUT_MS },
    async (client) => {
      const result = await migrate(client);
      for (const sql of extras) await client.query(sql);
      return result;
    },
  );
}

/** All migrations as one script, for those who apply SQL themselves. May be run again. */
export function migrationSql(options: MigrationOptions = {}): string {
  const steps = migrations().map(({ version, name, sql }) => {
    return `${sql}\nINSERT INTO audit_migrations (version, name) VALUES (${version}, '${name}') ON CONFLICT DO NOTHING;\n`;
  });
  return ['BEGIN;', `${LOCK};`, `${LEDGER};`, ...steps, ...extrasOf(options), 'COMMIT;', ''].join('\n');
}

/** Each a script of its own, and safe to repeat. */
function extrasOf({ partitions, rolePrefix }: MigrationOptions): readonly string[] {
  return [
    ...(partitions === undefined ? [] : [`SELECT audit_partition_by('${partitions}');`]),
    ...(rolePrefix === undefined ? [] : [`${LOCK};\n${rolesSql(rolePrefix)}`]),
  ];
}

export function latestVersion(): number {
  return Math.max(...migrations().map(({ version }) => version));
}

/** On a connection outside a transaction; leaves it so. */
export async function migrate(client: ClientBase): Promise<MigrationResult> {
  await client.query('BEGIN');
  try {
    await client.query(LOCK);
    await client.query(LEDGER);
    const result = await applyMissing(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    // The first error says what is wrong; on a lost connection this one only says that it is lost.
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

async function applyMissing(client: ClientBase): Promise<MigrationResult> {
  const { rows } = await client.query<{ version: number }>('SELECT version FROM audit_migrations');
  const present = new Set(rows.map((row) => row.version));
  const missing = migrations().filter(({ version }) => !present.has(version));
  for (const { version, name, sql } of missing) {
    await client.query(sql);
    await client.query('INSERT INTO audit_migrations (version, name) VALUES ($1, $2)', [version, name]);
  }
  const applied = missing.map(({ version }) => version);
  return { version: Math.max(...present, ...applied), applied };
}

/** The files `0001-name.sql`, in order. */
function migrations(): readonly Migration[] {
  const files = readdirSync(SQL_DIRECTORY)
    .filter((file) => /^\d{4}-[a-z-]+\.sql$/.test(file))
    .sort();
  return files.map((file) => ({
    version: Number(file.slice(0, 4)),
    name: file.slice(5, -'.sql'.length),
    sql: readFileSync(join(SQL_DIRECTORY, file), 'utf8'),
  }));
}
