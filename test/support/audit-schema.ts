/** An empty schema for one test, and the trail in it. */

import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromRow, SELECT_LIST } from '../../exporters/postgres/index.js';
import type { JournalledRecord } from '../../src/record.js';
import { query } from './postgres.js';
import { ROOT } from './service.js';

/** The URL of an empty schema, of the server's own role. */
export async function emptySchema(serverUrl: string): Promise<string> {
  const name = `audit_${randomBytes(6).toString('hex')}`;
  await query(serverUrl, `CREATE SCHEMA ${name}`);
  const url = new URL(serverUrl);
  url.searchParams.set('options', `-c search_path=${name}`);
  // libpq does not read a plus as a space.
  url.search = url.search.replaceAll('+', '%20');
  return url.href;
}

/** The same schema for a new role, which may log in and use the schema, and nothing else. */
export async function newRole(url: string): Promise<{ readonly role: string; readonly url: string }> {
  const role = `role_${randomBytes(6).toString('hex')}`;
  await query(
    url,
    `CREATE ROLE ${role} LOGIN; DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO ${role}', current_schema()); END $$`,
  );
  const own = new URL(url);
  own.username = role;
  return { role, url: own.href };
}

const SQL = join(ROOT, 'exporters/postgres/sql');
/** The migrations, the first one first. */
export const MIGRATION_FILES = readdirSync(SQL).sort();

/** The tables as the first so many migrations make them. */
export async function tablesOfOld(url: string, migrations: number): Promise<void> {
  await query(
    url,
    'CREATE TABLE audit_migrations (version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())',
  );
  for (const file of MIGRATION_FILES.slice(0, migrations)) {
    await query(url, readFileSync(join(SQL, file), 'utf8'));
    await query(url, 'INSERT INTO audit_migrations (version, name) VALUES ($1, $2)', [Number(file.slice(0, 4)), file.slice(5, -4)]);
  }
}

export async function readTrail(url: string): Promise<readonly JournalledRecord[]> {
  const [found] = await query(url, "SELECT to_regclass('audit_logs') IS NOT NULL AS found");
  if (found?.found !== true) return [];
  return (await query(url, `SELECT ${SELECT_LIST} FROM audit_logs ORDER BY stream, epoch, seq`)).map(fromRow);
}
