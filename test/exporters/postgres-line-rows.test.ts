import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LineRows } from '../../exporters/postgres/line-rows.js';
import { ROW_COLUMNS, toRow } from '../../exporters/postgres/row.js';
import type { JournalledRecord } from '../../src/record.js';
import { lineOf } from '../../src/record-line.js';
import { anyRecord } from '../../src/testing/any-record.js';
import { chained, exampleRecord, hostileRecords } from '../../src/testing/records.js';

/** As `toRow` has it. */
function valuesOf(rows: LineRows, row: number): readonly unknown[] {
  return ROW_COLUMNS.map(({ type }, column) => {
    const start = rows.startOf(column, row);
    if (start === -1) return undefined;
    const text = rows.bytesOf(column, row).toString('utf8', start, rows.endOf(column, row));
    if (type === 'json' && text.startsWith('"')) return text;
    return ['text', 'json', 'uuid', 'inet', 'timestamptz'].includes(type) ? JSON.parse(`"${text}"`) : JSON.parse(text);
  });
}

function assertSame(records: readonly JournalledRecord[], options = {}): void {
  const rows = new LineRows();
  // Twice: of memory that was used before nothing may show.
  for (const order of [records, [...records].reverse()]) {
    rows.fill(order.map(lineOf), options);
    assert.equal(rows.count, order.length);
    for (const [row, record] of order.entries()) {
      const expected = toRow(JSON.parse(JSON.stringify(record)), options).map((value) =>
        typeof value === 'object' ? JSON.parse(JSON.stringify(value)) : value,
      );
      assert.deepEqual(valuesOf(rows, row), expected);
    }
  }
}

/** What no column holds exactly, or at all. */
function oddRecords(): readonly JournalledRecord[] {
  const odd: readonly object[] = [
    { id: '0190A7E2-77E7-7B2C-9A3B-0123456789AB' },
    { time: '2026-11-22T10:00:00+01:00', observedTime: 'yesterday' },
    { action: 7, actor: {}, client: {} },
    { actor: 'ada', request: null, response: [] },
    { client: { address: '::FFFF:1.2.3.4', port: 1.5, peer: '10.0.0.1', geo: 'NL' } },
    { client: { address: 'no address', userAgent: ['a'] } },
    { request: { id: 'r', method: 'GET', path: '/', body: '{"a":"\\u0000"}', bodyFormat: 'json', bodySize: 2 ** 60 } },
    { request: { id: 'r', method: 'GET', path: '/', body: 'a "text"\n', bodyFormat: 'text', bodyHash: 'x' } },
    { request: { id: 'r', method: 'GET', path: '/', body: '', bodyFormat: 'json', headers: { a: '1', b: '2' } } },
    { request: { id: 'r', method: 'GET', path: '/', body: '"\\\\u0000"' }, response: { status: 200, body: { a: 1 } } },
    { durationMs: 1e21, metadata: [1, { a: null }], unknown: { a: 1 }, actors: 1, zzz: [] },
    { durationMs: 0.000_001_234_567_890_123_4, schemaVersion: 2 ** 31 },
  ];
  return chained(odd.map((member, nth) => ({ ...exampleRecord(nth), ...member })));
}

test('puts into columns what the record would have put there', () => {
  assertSame(chained([exampleRecord(1), ...hostileRecords()]));
  assertSame(oddRecords());
  assertSame(oddRecords(), { bodiesAside: true });
  fc.assert(
    fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 4 }), fc.boolean(), (records, bodiesAside) =>
      assertSame(chained(records), { bodiesAside }),
    ),
    { numRuns: 200 },
  );
});
