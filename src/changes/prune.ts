/** Removes old partitions of `audit.changes`, whole ones only: never what a relay has not read yet, nor what a legal hold covers. */

import type { ClientBase } from 'pg';
import type { ChangePlace } from './change-row.js';
import { isBusy, withLockTimeout } from './lock.js';

/** A legal hold of the trail, as far as rows can be told by it; a member that is not there narrows nothing. */
export interface HeldChanges {
  readonly tenantId?: string | undefined;
  readonly actorId?: string | undefined;
  readonly targetType?: string | undefined;
  readonly targetId?: string | undefined;
  /** RFC 3339 */
  readonly from?: string | undefined;
  /** RFC 3339; not included. */
  readonly to?: string | undefined;
}

export interface PruneChangesOptions {
  /** As PostgreSQL reads intervals: `90 days`. */
  readonly keep: string;
  readonly holds: readonly HeldChanges[];
  /** False: counts, and removes nothing. */
  readonly apply: boolean;
}

/** Of one partition that is past the period. */
export interface PrunedChanges {
  readonly partition: string;
  readonly rows: number;
  /** Destinations of relays that have not read all of it. */
  readonly behind: readonly string[];
  readonly held: number;
  /** Removed, or to be removed. */
  readonly removed: boolean;
  /** Its lock was not to be had without making writers wait. */
  readonly busy?: boolean | undefined;
}

interface Contents {
  readonly rows: number;
  readonly first: string | null;
  readonly last: string | null;
  readonly isExpired: boolean;
}

/** Oldest first, each in a transaction of its own; makes the partitions of the next months as well. */
export async function pruneChanges(client: ClientBase, options: PruneChangesOptions): Promise<readonly PrunedChanges[]> {
  if (options.apply) await withLockTimeout(client, () => client.query('SELECT audit.ensure_partitions()'));
  const results: PrunedChanges[] = [];
  for (const partition of await partitionsOf(client)) {
    const result = await prunePartition(client, partition, options);
    if (result !== undefined) results.push(result);
  }
  return results;
}

/** The default one, for what no partition was made for, comes last. */
async function partitionsOf(client: ClientBase): Promise<readonly string[]> {
  const { rows } = await client.query<{ readonly name: string }>(
    `SELECT relname AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'audit.changes'::regclass
     ORDER BY relname = 'changes_default', relname`,
  );
  return rows.map(({ name }) => name);
}

async function prunePartition(client: ClientBase, partition: string, options: PruneChangesOptions): Promise<PrunedChanges | undefined> {
  const table = `audit."${partition}"`;
  const contents = await contentsOf(client, table, options.keep);
  if (contents === undefined || !contents.isExpired) return undefined;
  const end = await endOf(client, table);
  const behind = end === undefined ? [] : await behindOf(client, end);
  const held = await heldIn(client, table, options.holds);
  const about = { partition, rows: contents.rows, behind, held };
  if (behind.length > 0 || held > 0) return { ...about, removed: false };
  if (!options.apply) return { ...about, removed: true };
  try {
    await withLockTimeout(client, () => remove(client, partition, contents, end));
    return { ...about, removed: true };
  } catch (error) {
    if (!isBusy(error)) throw error;
    return { ...about, removed: false, busy: true };
  }
}

/** Undefined where there is nothing: an empty month of the past is left alone, and so is one to come. */
async function contentsOf(client: ClientBase, table: string, keep: string): Promise<Contents | undefined> {
  const { rows } = await client.query<Contents>(
    `SELECT count(*)::float8 AS rows, min(changed_at)::text AS first, max(changed_at)::text AS last,
       coalesce(max(changed_at) < now() - $1::interval, false) AS "isExpired" FROM ${table}`,
    [keep],
  );
  const [contents] = rows;
  return contents === undefined || contents.rows === 0 ? undefined : contents;
}

/** Where a relay stands that has read everything. */
async function endOf(client: ClientBase, table: string): Promise<ChangePlace | undefined> {
  const { rows } = await client.query<ChangePlace>(
    `SELECT part.xact::text, part.id::text FROM ${table} AS part ORDER BY part.xact DESC, part.id DESC LIMIT 1`,
  );
  return rows[0];
}

async function behindOf(client: ClientBase, { xact, id }: ChangePlace): Promise<readonly string[]> {
  const { rows } = await client.query<{ readonly destination: string }>(
    'SELECT destination FROM audit.relays WHERE (relays.xact, relays.id) < ($1::xid8, $2::bigint) ORDER BY 1',
    [xact, id],
  );
  return rows.map(({ destination }) => destination);
}

// The context is text that any client may set: what a hold names is looked for in it, which may find too much, never too little.
const HELD = `SELECT count(*)::float8 AS held FROM %table AS part
  WHERE ($1::text IS NULL OR strpos(context, $1) > 0) AND ($2::text IS NULL OR strpos(context, $2) > 0)
    AND ($3::text IS NULL OR $4::text IS NOT NULL OR table_name = $3)
    AND ($4::text IS NULL OR row_id = $4 OR new_row_id = $4)
    AND ($5::timestamptz IS NULL OR changed_at >= $5) AND ($6::timestamptz IS NULL OR changed_at < $6)`;

/** The most that any hold covers. A row's table may be named otherwise than a target's type, so an id is held in every table. */
async function heldIn(client: ClientBase, table: string, holds: readonly HeldChanges[]): Promise<number> {
  let most = 0;
  for (const { tenantId, actorId, targetType, targetId, from, to } of holds) {
    const named = [tenantId, actorId].map((id) => (id === undefined ? undefined : `"id":${JSON.stringify(id)}`));
    const values = [...named, targetType, targetId, from, to];
    const { rows } = await client.query<{ readonly held: number }>(HELD.replace('%table', table), values);
    most = Math.max(most, rows[0]?.held ?? 0);
  }
  return most;
}

async function remove(client: ClientBase, partition: string, { rows, first, last }: Contents, end: ChangePlace | undefined): Promise<void> {
  const table = `audit."${partition}"`;
  // The parent first, as every writer takes them; without ONLY all partitions.
  await client.query(`LOCK TABLE ONLY audit.changes, ${table} IN ACCESS EXCLUSIVE MODE`);
  const now = await endOf(client, table);
  if (now?.xact !== end?.xact || now?.id !== end?.id) throw Object.assign(new Error('written to meanwhile'), { code: '55P03' });
  await client.query('INSERT INTO audit.removals (partition, removed_rows, changed_from, changed_to) VALUES ($1, $2, $3, $4)', [
    partition,
    rows,
    first,
    last,
  ]);
  await client.query(`DROP TABLE ${table}`);
  if (partition === 'changes_default') await client.query('SELECT audit.make_default_partition()');
}
