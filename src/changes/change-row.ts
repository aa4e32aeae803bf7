/** A row of `audit.changes` as it is read, with every value as text: numbers must not be rounded on the way. */

import type { JsonObject } from '../record.js';

export interface ChangeRow {
  readonly id: string;
  /** RFC 3339 UTC, milliseconds. */
  readonly changed_at: string;
  readonly xact: string;
  readonly table_schema: string;
  readonly table_name: string;
  readonly operation: 'insert' | 'update' | 'delete' | 'truncate';
  readonly row_id: string | null;
  readonly new_row_id: string | null;
  readonly before: string | null;
  readonly after: string | null;
  readonly context: string | null;
}

/** Where a row stands in the order in which rows are relayed. */
export type ChangePlace = Pick<ChangeRow, 'xact' | 'id'>;

/** For the query that reads a `ChangeRow`. */
export const CHANGE_COLUMNS = `id::text, to_char(changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS changed_at, xact::text,
  table_schema, table_name, operation, row_id, new_row_id, before::text, after::text, context`;

/** One entry of a record's `changes`. */
export interface RowChange extends JsonObject {
  readonly schema: string;
  readonly table: string;
  readonly operation: string;
}

/** `before` and `after` hold the changed columns of an update, and all of an insert or a delete. */
export function changeOf(row: ChangeRow): RowChange {
  return {
    schema: row.table_schema,
    table: row.table_name,
    operation: row.operation,
    ...(row.row_id === null ? {} : { id: row.row_id }),
    ...(row.new_row_id === null ? {} : { newId: row.new_row_id }),
    ...(row.before === null ? {} : { before: JSON.parse(row.before) as JsonObject }),
    ...(row.after === null ? {} : { after: JSON.parse(row.after) as JsonObject }),
    xact: row.xact,
  };
}
