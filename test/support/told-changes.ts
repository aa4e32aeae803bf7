/** Compares what an ORM's adapter told of an operation with what became of the whole table. */

import assert from 'node:assert/strict';
import type { JsonObject } from '../../src/record.js';
import type { Row } from './row-changes.js';

export type Rows = ReadonlyMap<string, Row>;

/** Numbers as numbers and times by the second: drivers give them as text, and ORMs as either. */
export function rowsOf(rows: readonly Row[]): Rows {
  return new Map(rows.map((row) => [String(row['id']), plain(row)]));
}

/**
 * What is told as complete, played onto the earlier table, must give the later one for the rows it names; and a row that differs without
 * being named must have been admitted: by a change that says of itself that it is not complete.
 */
export function assertTold(changes: readonly JsonObject[], earlier: Rows, later: Rows): void {
  const played = new Map(earlier);
  const named = new Set<string>();
  for (const change of changes.filter(({ complete }) => complete === true)) {
    const id = String(change['id']);
    named.add(id);
    play(played, id, change);
  }
  for (const id of named) assert.deepEqual(played.get(id), later.get(id), `what is told of ${id} is not what became of it`);
  const ids = [...new Set([...earlier.keys(), ...later.keys()])];
  const unnamed = ids.filter((id) => !named.has(id) && !same(earlier.get(id), later.get(id)));
  const partial = changes.filter(({ complete }) => complete === false);
  assert.ok(unnamed.length === 0 || partial.length > 0, `nothing says that ${unnamed} changed as well`);
  const counts = partial.filter(({ operation, count }) => count !== undefined && (operation === 'update' || operation === 'delete'));
  if (partial.length > 0 && counts.length === partial.length)
    assert.equal(
      counts.reduce((sum, { count }) => sum + Number(count), 0),
      unnamed.length,
      'counted otherwise',
    );
  for (const { complete } of changes) assert.equal(typeof complete, 'boolean');
}

function play(rows: Map<string, Row>, id: string, { operation, before, after }: JsonObject): void {
  const row = rows.get(id);
  if (operation === 'insert') {
    assert.equal(row, undefined, `${id} was there before`);
    rows.set(id, plain(after as Row));
    return;
  }
  assert.ok(row !== undefined, `${id} was not there`);
  for (const [column, value] of Object.entries(plain(before as Row))) assert.deepEqual(row[column], value, `${column} of ${id} before`);
  if (operation === 'delete') {
    assert.deepEqual(Object.keys(before as Row).sort(), Object.keys(row).sort(), `all of ${id}`);
    rows.delete(id);
  } else rows.set(id, { ...row, ...plain(after as Row) });
}

function same(one: Row | undefined, other: Row | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function plain(row: Row): Row {
  return Object.fromEntries(Object.entries(row).map(([column, value]) => [column, typeof value === 'string' ? comparable(value) : value]));
}

function comparable(text: string): unknown {
  if (/^-?\d+(?:\.\d+)?$/.test(text)) return Number(text);
  const [, day, time] = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})/.exec(text) ?? [];
  return day === undefined ? text : `${day} ${time}`;
}
