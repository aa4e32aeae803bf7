/** Compares what was recorded of a table with what became of it: snapshots of the whole table before and after each operation. */

import type { Client } from 'pg';
import { parseContext } from '../../src/changes/change-context.js';
import { findTables, install, track } from '../../src/changes/install.js';

/** What the operations of every driver and ORM under test work on. */
export const ITEMS_SQL = `CREATE TABLE items (id integer PRIMARY KEY, status text NOT NULL DEFAULT 'new', qty integer NOT NULL DEFAULT 0,
  price numeric(10, 2), note text)`;
export const SEED_SQL = `INSERT INTO items SELECT g, 'new', g, g * 1.10, 'note ' || g FROM generate_series(1, 20) g`;

export type Row = Readonly<Record<string, unknown>>;
type Table = ReadonlyMap<string, Row>;

/** One row's way through an operation; columns that ended as they began are left out. */
export interface RowDifference {
  readonly key: string;
  readonly before: Row | undefined;
  readonly after: Row | undefined;
}

export async function prepareItems(client: Client): Promise<void> {
  await client.query(ITEMS_SQL);
  await client.query(SEED_SQL);
  await install(client);
  for (const table of await findTables(client, 'items')) await track(client, table, { excluded: [], masked: [] });
}

export async function snapshot(client: Client): Promise<Table> {
  const { rows } = await client.query<Row & { readonly id: number }>('SELECT id, status, qty, price::text, note FROM items ORDER BY id');
  return new Map(rows.map((row) => [String(row.id), { ...row }]));
}

export function differenceOf(before: Table, after: Table): readonly RowDifference[] {
  const keys = [...new Set([...before.keys(), ...after.keys()])].sort();
  return keys.flatMap((key) => changedOf(key, before.get(key), after.get(key)));
}

/** The net effect of what was recorded since, and the ids of the actors that were named with it; `null` where nobody was. */
export async function recordedSince(
  client: Client,
  id: string,
): Promise<{ readonly difference: readonly RowDifference[]; readonly actors: readonly (string | null)[]; readonly lastId: string }> {
  const { rows } = await client.query<RecordedRow>(
    'SELECT id::text, operation, row_id, new_row_id, before, after, context FROM audit.changes WHERE id > $1 ORDER BY changes.id',
    [id],
  );
  const ways = new Map<string, { before: Row | undefined; after: Row | undefined }>();
  for (const { operation, row_id, before, after } of rows) {
    const way = ways.get(row_id);
    if (way === undefined) ways.set(row_id, { before: before ?? undefined, after: after ?? undefined });
    else if (operation === 'update') {
      // Of an insert before it, the row is whole; of an update, columns may be named first here.
      ways.set(row_id, { before: way.before && { ...before, ...way.before }, after: { ...way.after, ...after } });
    } else
      ways.set(row_id, {
        before: operation === 'delete' && way.before !== undefined ? { ...before, ...way.before } : way.before,
        after: after ?? undefined,
      });
  }
  return {
    difference: [...ways].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([key, { before, after }]) => changedOf(key, before, after)),
    actors: [...new Set(rows.map(({ context }) => parseContext(context)?.actor.id ?? null))],
    lastId: rows.at(-1)?.id ?? id,
  };
}

interface RecordedRow {
  readonly id: string;
  readonly operation: string;
  readonly row_id: string;
  readonly before: Row | null;
  readonly after: Row | null;
  readonly context: string | null;
}

function changedOf(key: string, before: Row | undefined, after: Row | undefined): readonly RowDifference[] {
  if (before === undefined || after === undefined) return before === after ? [] : [{ key, before, after }];
  const changed = Object.keys({ ...before, ...after }).filter((column) => before[column] !== after[column]);
  if (changed.length === 0) return [];
  const pick = (row: Row): Row => Object.fromEntries(changed.sort().map((column) => [column, row[column]]));
  return [{ key, before: pick(before), after: pick(after) }];
}
