/** Records as CSV (RFC 4180) that a spreadsheet may open: no cell is a formula. */

import type { AuditRecord } from '../record.js';
import { CELLS } from './cells.js';

const MORE: readonly { readonly name: string; readonly of: (record: AuditRecord) => string | number | undefined }[] = [
  { name: 'actor_id', of: ({ actor }) => actor.id },
  { name: 'kind', of: ({ kind }) => kind },
  { name: 'method', of: ({ request }) => request?.method },
  { name: 'path', of: ({ request }) => request?.path },
  { name: 'route', of: ({ request }) => request?.route },
  { name: 'request_id', of: ({ request }) => request?.id },
  { name: 'trace_id', of: ({ trace }) => trace?.traceId },
  { name: 'service', of: ({ service }) => service.name },
  { name: 'request_body', of: ({ request }) => request?.body },
  { name: 'response_body', of: ({ response }) => response?.body },
];
const COLUMNS = [...CELLS, ...MORE];

export function csvHead(): string {
  return `${COLUMNS.map(({ name }) => name).join(',')}\r\n`;
}

export function csvRow(record: AuditRecord): string {
  return `${COLUMNS.map(({ of }) => cellOf(of(record))).join(',')}\r\n`;
}

// What spreadsheets take for the beginning of a formula, full-width forms and leading blanks included.
// https://owasp.org/www-community/attacks/CSV_Injection
const SIGNS = '[=+\\-@\\uff1d\\uff0b\\uff0d\\uff20|%]';
const FORMULA = new RegExp(`^[\\s\\u0000]*${SIGNS}|^[\\t\\r\\n]`);
// Where the locale's separator is not the comma, quotes do not begin a cell: what stands behind these does.
// The sign first: only before one is anything looked back at, however long the text.
const WITHIN = new RegExp(`(?=${SIGNS})(?<=[;\\t\\r\\n][\\s\\u0000"]*)`, 'g');

function cellOf(value: string | number | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  const safe = text.replace(WITHIN, "'");
  return /[",;\t\r\n']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
