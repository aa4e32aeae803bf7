/** A row of `audit_logs` in the binary form of COPY: where its fields are, and what they say. */

import { isoTime } from '../../src/clock.js';
import type { ColumnType } from './columns.js';
import { ROW_COLUMNS } from './row.js';
import { POSTGRES_EPOCH_MS } from './timestamp.js';

/** What to select for a copied row. Types are spelled out: a column that somebody retyped would be read as something else. */
export const COPY_LIST: string = ROW_COLUMNS.map(({ name, type }) => `${copied(name, type)} AS ${name}`).join(', ');

/** Fields by their place in `ROW_COLUMNS`. */
export interface CopiedRow {
  readonly bytes: Buffer;
  readonly starts: Int32Array;
  /** Before its start: NULL. */
  readonly ends: Int32Array;
}

const starts = new Int32Array(ROW_COLUMNS.length);
const ends = new Int32Array(ROW_COLUMNS.length);

/** Good until the next call. */
export function splitRow(bytes: Buffer): CopiedRow {
  let at = 2; // the number of fields
  for (let place = 0; place < ROW_COLUMNS.length; place += 1) {
    // Half of what `readInt32BE` takes, 57 times a row.
    const length =
      ((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
    starts[place] = at + 4;
    ends[place] = at + 4 + length;
    at += 4 + Math.max(0, length);
  }
  return { bytes, starts, ends };
}

/** As a query for `SELECT_LIST` would have given it. */
export function rowOf(row: CopiedRow): Readonly<Record<string, unknown>> {
  return Object.fromEntries(ROW_COLUMNS.map(({ name }, place) => [name, fieldOf(row, place)]));
}

/** Of a column of text that is never NULL. */
export function textOf({ bytes, starts, ends }: CopiedRow, place: number): string {
  return bytes.toString('utf8', starts[place], ends[place]);
}

/** The value of one column, in memory of its own. Undefined for NULL: `null` is what `jsonb` calls so. */
export function fieldOf({ bytes, starts, ends }: CopiedRow, place: number): unknown {
  const start = starts[place] ?? 0;
  const end = ends[place] ?? 0;
  const type = ROW_COLUMNS[place]?.type ?? 'text';
  if (end < start) return undefined;
  if (type === 'jsonb') return JSON.parse(bytes.toString('utf8', start + JSONB_VERSION_BYTES, end));
  if (type === 'boolean') return bytes[start] === 1;
  if (type === 'timestamptz') return timeOf(bytes, start);
  return type in NUMBERS ? NUMBERS[type as keyof typeof NUMBERS](bytes, start) : bytes.toString('utf8', start, end);
}

/** The version of jsonb's binary form, which is its text. */
export const JSONB_VERSION_BYTES = 1;

export const NUMBERS = {
  integer: (bytes, at) => bytes.readInt32BE(at),
  bigint: (bytes, at) => bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4),
  'double precision': (bytes, at) => bytes.readDoubleBE(at),
} satisfies Partial<Record<ColumnType, (bytes: Buffer, at: number) => number>>;

/** Since 1970. Undefined for what no record has: microseconds, infinity, and times before 1714 and after 2285. */
export function wholeMs(bytes: Buffer, at: number): number | undefined {
  const microseconds = NUMBERS.bigint(bytes, at);
  return Number.isSafeInteger(microseconds) && microseconds % 1000 === 0 ? microseconds / 1000 + POSTGRES_EPOCH_MS : undefined;
}

function timeOf(bytes: Buffer, at: number): string {
  const ms = wholeMs(bytes, at);
  return ms === undefined ? `${bytes.readBigInt64BE(at)} microseconds from 2000` : isoTime(ms);
}

function copied(name: string, type: ColumnType): string {
  if (type === 'uuid') return `${name}::uuid::text`;
  return type === 'inet' ? `abbrev(${name}::inet)` : `${name}::${type}`;
}
