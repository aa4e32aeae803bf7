/** A record as a row of `audit_logs` and back, exactly: what was hashed can be hashed again. */

import type { JournalledRecord } from '../../src/record.js';
import { COLUMNS, type Column, fitOf } from './columns.js';

/** A row to insert: values in the order of `ROW_COLUMNS`, `undefined` where there is none. An array, because it is read by column. */
export type Row = readonly unknown[];

/** Columns in the order of insertion. */
export const ROW_COLUMNS: readonly Pick<Column, 'name' | 'type'>[] = [
  ...COLUMNS,
  { name: 'actor', type: 'jsonb' },
  { name: 'rest', type: 'jsonb' },
];

/** What to select for `fromRow`: every column in a form that does not depend on the session's time zone or date style. */
export const SELECT_LIST: string = ROW_COLUMNS.map(({ name, type }) => `${selected(name, type)} AS ${name}`).join(', ');

export interface ToRowOptions {
  /** Bodies as plain strings in `rest`, for a body that claims to be JSON and is not. */
  readonly bodiesAside?: boolean;
}

export function toRow(record: JournalledRecord, options: ToRowOptions = {}): Row {
  const row = EMPTY_ROW.slice();
  for (const name of Object.keys(record)) {
    const value = record[name as keyof JournalledRecord];
    if (value === undefined) continue;
    const group = GROUPS.get(name);
    const place = PLACES.get(name);
    if (group !== undefined && isObject(value)) putGroup(row, name, value, group, options);
    else if (place === undefined || !putValue(row, place, value)) row[REST] = withMember(row[REST], name, value);
  }
  return row;
}

/** @param row of a query that selected `SELECT_LIST` */
export function fromRow(row: Readonly<Record<string, unknown>>): JournalledRecord {
  const record: Record<string, unknown> = {};
  for (const column of COLUMNS) {
    const value = row[column.name];
    if (value === null || value === undefined) continue;
    const name = column.member[0];
    const member = column.member[1];
    const decoded = decode(column, value, row);
    if (member === undefined) record[name] = decoded;
    else if (record[name] === undefined) record[name] = { [member]: decoded };
    // Made above: spreading it again for each of its members was two thirds of what reading a row costs.
    else (record[name] as Record<string, unknown>)[member] = decoded;
  }
  if (isObject(row.actor)) record.actor = { ...asObject(record.actor), ...row.actor };
  for (const [name, value] of Object.entries(asObject(row.rest))) {
    record[name] = isObject(record[name]) && isObject(value) ? { ...record[name], ...value } : value;
  }
  return record as unknown as JournalledRecord;
}

interface Place {
  readonly index: number;
  readonly column: Column;
}

const ACTOR = COLUMNS.length;
const REST = ACTOR + 1;

/** Columns of members of the record itself. */
const PLACES: ReadonlyMap<string, Place> = new Map(
  placed().flatMap((place) => (place.column.member[1] === undefined ? [[place.column.member[0], place]] : [])),
);

/** Columns of members of its objects, by object and member. */
const GROUPS: ReadonlyMap<string, ReadonlyMap<string, Place>> = grouped();

const EMPTY_ROW: Row = ROW_COLUMNS.map(() => undefined);

/** Whether JSON has escapes of NUL or surrogates: `json` columns take them, and `->>` later fails on NUL and lone ones. */
export function isUnreadable(json: string): boolean {
  return json.includes('\\u') && UNREADABLE.test(json);
}

const UNREADABLE = /(?:^|[^\\])(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/i;

function putGroup(
  row: unknown[],
  name: string,
  group: Readonly<Record<string, unknown>>,
  places: ReadonlyMap<string, Place>,
  options: ToRowOptions,
): void {
  let others: Record<string, unknown> | undefined;
  let members = 0;
  for (const member of Object.keys(group)) {
    const value = group[member];
    if (value === undefined) continue;
    members += 1;
    const place = places.get(member);
    if (place === undefined) others = withMember(others, member, value);
    else if (place.column.type !== 'json') others = putValue(row, place, value) ? others : withMember(others, member, value);
    else if (options.bodiesAside === true || !putBody(row, place, value, group.bodyFormat)) others = withMember(others, member, value);
  }
  if (members > 0 && others === undefined) return;
  if (name === 'actor') row[ACTOR] = others ?? {};
  else row[REST] = withMember(row[REST], name, others ?? {});
}

/** False if the value has to be kept beside the columns as well. */
function putValue(row: unknown[], place: Place, value: unknown): boolean {
  const fit = fitOf(place.column.type, value);
  if (fit !== 'none') row[place.index] = value;
  return fit === 'exact';
}

function putBody(row: unknown[], place: Place, body: unknown, format: unknown): boolean {
  if (typeof body !== 'string') return false;
  if (format === 'json' && isUnreadable(body)) return false;
  row[place.index] = format === 'json' ? body : JSON.stringify(body);
  return true;
}

function decode({ name, type }: Column, value: unknown, row: Readonly<Record<string, unknown>>): unknown {
  if (type === 'bigint') return Number(value);
  if (type !== 'json' || row[`${name}_format`] === 'json') return value;
  return JSON.parse(String(value));
}

function selected(name: string, type: Column['type']): string {
  if (type === 'timestamptz') return `to_char(${name} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
  if (type === 'inet') return `host(${name})`;
  return type === 'json' ? `${name}::text` : name;
}

function placed(): readonly Place[] {
  return COLUMNS.map((column, index) => ({ index, column }));
}

function grouped(): ReadonlyMap<string, ReadonlyMap<string, Place>> {
  const groups = new Map<string, Map<string, Place>>();
  for (const place of placed()) {
    const [name, member] = place.column.member;
    if (member === undefined) continue;
    const group = groups.get(name) ?? new Map<string, Place>();
    groups.set(name, group.set(member, place));
  }
  return groups;
}

/** Without a prototype, so that a member named `__proto__` is a member. */
function withMember(members: unknown, name: string, value: unknown): Record<string, unknown> {
  const target = (members ?? Object.create(null)) as Record<string, unknown>;
  target[name] = value;
  return target;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? value : {};
}
