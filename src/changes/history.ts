/** Reads the life of one row from `audit.changes`, under every primary key it has had. */

import type { ClientBase } from 'pg';
import { parseContext } from './change-context.js';
import { CHANGE_COLUMNS, type ChangeRow, changeOf, type RowChange } from './change-row.js';

export interface HistoryEntry {
  readonly time: string;
  readonly change: RowChange;
  /** Of the request's record; undefined for work without a request. */
  readonly recordId?: string | undefined;
  readonly actor?: string | undefined;
  readonly tenant?: string | undefined;
  /** `PATCH /orders/42`; the action itself is in the request's record. */
  readonly request?: string | undefined;
}

// A key may have been changed, and changed back: each one is followed once.
const READ = `WITH RECURSIVE keys (key) AS (
    SELECT $3::text COLLATE "C"
    UNION
    SELECT CASE WHEN c.row_id = keys.key THEN c.new_row_id ELSE c.row_id END FROM keys
    JOIN audit.changes c ON c.new_row_id IS NOT NULL AND c.table_name = $2 AND ($1::text IS NULL OR c.table_schema = $1)
      AND (c.row_id = keys.key OR c.new_row_id = keys.key)
  )
  SELECT ${CHANGE_COLUMNS} FROM audit.changes
  WHERE table_name = $2 AND ($1::text IS NULL OR table_schema = $1)
    AND (row_id IN (SELECT key FROM keys) OR operation = 'truncate') ORDER BY changes.id`;

/** `table` with or without its schema; `key` as text, the columns of a composite one joined by commas. Oldest first. */
export async function historyOf(client: ClientBase, table: string, key: string): Promise<readonly HistoryEntry[]> {
  const dot = table.indexOf('.');
  const [schema, name] = dot === -1 ? [null, table] : [table.slice(0, dot), table.slice(dot + 1)];
  const { rows } = await client.query<ChangeRow>(READ, [schema, name, key]);
  const first = rows.findIndex(({ operation }) => operation !== 'truncate');
  return first === -1 ? [] : rows.slice(first).map(entryOf);
}

/** The last change of a column, and what it was before; undefined if none is recorded. */
export function blame(history: readonly HistoryEntry[], column: string): HistoryEntry | undefined {
  return history.findLast(({ change: { before, after, operation } }) => {
    const row = after ?? before;
    return operation === 'truncate' || (typeof row === 'object' && row !== null && Object.hasOwn(row, column));
  });
}

function entryOf(row: ChangeRow): HistoryEntry {
  const context = parseContext(row.context);
  return {
    time: row.changed_at,
    change: changeOf(row),
    recordId: context?.id,
    actor: context?.actor.email ?? context?.actor.id,
    tenant: context?.tenant?.slug ?? context?.tenant?.id,
    request: context?.method === undefined ? undefined : `${context.method} ${context.path ?? ''}`.trim(),
  };
}
