/** Audit records from rows of `Audit_CL`, as a query gives them: for verifying hashes and moving trails. */

import { restoreEmptyMembers } from '../../src/empty-members.js';
import type { AuditRecord } from '../../src/record.js';
import { membersOf } from '../../src/record-attributes.js';
import { ATTRIBUTE_COLUMNS, EMPTY_MEMBERS, PART, PART_OF, PART_TEXT, PARTS, RECORD_ID, REST } from './columns.js';
import type { LogsRow } from './row.js';

export interface RebuiltLogs {
  /** One a record id, in order of first appearance. */
  readonly records: readonly AuditRecord[];
  /** Ids of records of which a part row is missing: not rebuilt. */
  readonly incomplete: readonly string[];
}

type Parts = ReadonlyMap<number, LogsRow>;

/** Duplicates, as retries leave them, count once. */
export function recordsFromRows(rows: Iterable<LogsRow>): RebuiltLogs {
  const own = new Map<string, LogsRow>();
  const parts = new Map<string, Map<number, LogsRow>>();
  for (const row of rows) {
    const id = String(row[RECORD_ID]);
    const part = row[PART];
    if (typeof part !== 'number') {
      if (!own.has(id)) own.set(id, row);
    } else parts.set(id, (parts.get(id) ?? new Map<number, LogsRow>()).set(part, row));
  }
  const records: AuditRecord[] = [];
  const incomplete: string[] = [];
  for (const [id, row] of own) {
    const rest: Parts = parts.get(id) ?? new Map();
    if (rest.size < Number(row[PARTS] ?? 0)) incomplete.push(id);
    else records.push(rebuild(row, rest));
  }
  return { records, incomplete };
}

function rebuild(row: LogsRow, parts: Parts): AuditRecord {
  const ordered = [...parts].sort(([a], [b]) => a - b).map(([, part]) => part);
  const attributes: Record<string, unknown> = {};
  for (const { attribute, name, type } of ATTRIBUTE_COLUMNS) {
    const value = row[name];
    const text = ordered.filter((part) => part[PART_OF] === name).map((part) => String(part[PART_TEXT]));
    if (text.length > 0) attributes[attribute] = [type === 'dynamic' ? '' : value, ...text].join('');
    else if (value !== undefined && value !== null && value !== '')
      attributes[attribute] = type === 'dynamic' ? JSON.stringify(value) : value;
    // As the service prints it, with or without milliseconds.
    if (type === 'datetime' && typeof value === 'string') attributes[attribute] = new Date(value).toISOString();
  }
  const record = membersOf({ ...attributes, ...(row[REST] as object | undefined) });
  restoreEmptyMembers(record as Record<string, unknown>, String(row[EMPTY_MEMBERS] ?? '').split(','));
  return record as AuditRecord;
}
