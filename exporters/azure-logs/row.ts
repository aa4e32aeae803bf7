/** An audit record as rows of `Audit_CL`: its own, and part rows for text that is longer than a field may be. */

import { emptyMembersOf } from '../../src/empty-members.js';
import type { AuditRecord } from '../../src/record.js';
import { type AttributeValue, toAttributes } from '../../src/record-attributes.js';
import {
  ATTRIBUTE_COLUMNS,
  type AttributeColumn,
  EMPTY_MEMBERS,
  PART,
  PART_OF,
  PART_TEXT,
  PARTS,
  RECORD_ID,
  REST,
  TIME_GENERATED,
} from './columns.js';

export type LogsRow = Readonly<Record<string, unknown>>;

// 64 KB: what is longer in a field, the service cuts off.
const MAX_FIELD_BYTES = 65_536;

/** The record's own row first. */
export function rowsOf(record: AuditRecord): readonly LogsRow[] {
  const attributes = toAttributes(record);
  const timeGenerated = generatedAt(record);
  const row: Record<string, unknown> = { [TIME_GENERATED]: timeGenerated };
  const rest: Record<string, AttributeValue> = {};
  const parts: LogsRow[] = [];
  for (const column of ATTRIBUTE_COLUMNS) {
    const value = attributes[column.attribute];
    if (value === undefined) continue;
    const [first, ...others] = piecesOf(column, value);
    if (first === undefined) rest[column.attribute] = value;
    else row[column.name] = first;
    for (const text of others) {
      parts.push({
        [TIME_GENERATED]: timeGenerated,
        [RECORD_ID]: record.id,
        [PART]: parts.length + 1,
        [PART_OF]: column.name,
        [PART_TEXT]: text,
      });
    }
  }
  const empty = emptyMembersOf(record);
  if (empty.length > 0) row[EMPTY_MEMBERS] = empty.join(',');
  if (Object.keys(rest).length > 0) row[REST] = rest;
  if (parts.length > 0) row[PARTS] = parts.length;
  return [row, ...parts];
}

/** What goes into the column, and the texts of part rows. A first of undefined: the column cannot hold it. */
function piecesOf({ type }: AttributeColumn, value: AttributeValue): readonly unknown[] {
  switch (type) {
    case 'long':
      return Number.isSafeInteger(value) ? [value] : [];
    case 'datetime':
      return isExactTime(String(value)) ? [value] : [];
    case 'string':
      // An empty text and none are the same to the service.
      return value === '' ? [] : splitText(String(value));
    case 'dynamic': {
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      // Not cut in the column, where half of a JSON text is nothing.
      return Buffer.byteLength(text) <= MAX_FIELD_BYTES ? [JSON.parse(text)] : [null, ...splitText(text)];
    }
    default:
      return [value];
  }
}

const EARLIEST = Date.UTC(2000, 0, 1);
const LATEST = Date.UTC(2100, 0, 1);

function isExactTime(text: string): boolean {
  const time = Date.parse(text);
  return time >= EARLIEST && time < LATEST && new Date(time).toISOString() === text;
}

/** Of a time that is none, the observed one; the service puts its own in the place of one that is far off. */
function generatedAt({ time, observedTime }: AuditRecord): string {
  return [time, observedTime].find(isExactTime) ?? new Date(EARLIEST).toISOString();
}

function splitText(text: string): readonly string[] {
  // No UTF-16 unit takes more than 3 bytes in UTF-8.
  if (text.length * 3 <= MAX_FIELD_BYTES) return [text];
  const pieces: string[] = [];
  let piece = '';
  let bytes = 0;
  for (const character of text) {
    const size = Buffer.byteLength(character);
    if (bytes + size > MAX_FIELD_BYTES) {
      pieces.push(piece);
      piece = '';
      bytes = 0;
    }
    piece += character;
    bytes += size;
  }
  return [...pieces, piece];
}
