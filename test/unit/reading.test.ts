import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FORMATS } from '../../src/reading/formats.js';
import { showText } from '../../src/reading/show.js';
import type { JournalledRecord } from '../../src/record.js';
import { anyRecord } from '../../src/testing/any-record.js';
import { chained, exampleRecord } from '../../src/testing/records.js';
import { compileFilter } from '../../src/trail/filter.js';

const [record] = chained([
  exampleRecord(1, {
    changes: [{ table: 'orders', id: 7, operation: 'update', before: { state: 'open', note: null }, after: { state: 'paid' } }],
  }),
]) as readonly [JournalledRecord];
const rowOf = (format: string, of: JournalledRecord = record): string => FORMATS[format]?.row(of, false) ?? '';
const parsed = (format: string): Record<string, unknown> => JSON.parse(rowOf(format)) as Record<string, unknown>;
const member = (value: unknown, steps: string): unknown =>
  steps.split('.').reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], value);

/** RFC 4180, as a spreadsheet reads it. */
function csvCells(line: string): readonly string[] {
  return [...line.trimEnd().matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)]
    .map(([, cell]) => cell ?? '')
    .map((cell) => (cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell));
}

describe('a format of records', () => {
  it('is for machines one line a record, whatever the record holds', () => {
    fc.assert(
      fc.property(anyRecord, (any) => {
        const [one] = chained([any]) as readonly [JournalledRecord];
        for (const format of ['json', 'ocsf', 'cloudevents', 'ecs']) {
          const line = rowOf(format, one);
          assert.equal(line.indexOf('\n'), line.length - 1);
          JSON.parse(line);
        }
        // To a terminal goes nothing that could move its cursor.
        assert.doesNotMatch(rowOf('table', one).slice(0, -1), /[\u0000-\u001f\u007f-\u009f]/);
      }),
      { numRuns: 300 },
    );
  });

  it('is for spreadsheets no formula', () => {
    for (const text of ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', ' =cmd|calc', '＝1+1', '%0A=1', '"=1"', 'a,=1', '\n=1']) {
      const cells = csvCells(rowOf('csv', { ...record, action: text }));
      assert.doesNotMatch(String(cells[4]), /^[\s]*[=+\-@＝|%]/, text);
      assert.equal(cells[4]?.replaceAll("'", ''), text);
    }
    // As a spreadsheet of another locale cuts it, to which the quotes of such a cell say nothing.
    for (const text of ['a;=1+1', 'a\t+1', 'a\r\n@SUM(A1)', 'a; -1', 'a;"=1', '\n=1']) {
      const [, ...rest] = rowOf('csv', { ...record, action: text }).split(/[;\t\r\n]+/);
      assert.doesNotMatch(String(rest[0]), /^[\s"]*[=+\-@]/, text);
    }
    assert.ok(rowOf('csv', { ...record, action: 'a=1; b-2' }).includes('a=1; b-2'));
    assert.equal(csvCells(rowOf('csv')).length, csvCells(FORMATS['csv']?.head?.() ?? '').length);
  });

  it('is as OCSF an API Activity with every member the class requires', () => {
    const event = parsed('ocsf');
    assert.deepEqual(
      ['class_uid', 'category_uid', 'activity_id', 'type_uid', 'severity_id', 'time', 'status_id', 'status_code'].map(
        (name) => event[name],
      ),
      [6003, 6, 1, 600_301, 1, Date.parse(record.time), 1, '201'],
    );
    assert.equal(member(event, 'api.operation'), 'order.created');
    assert.equal(member(event, 'actor.user.uid'), 'user-1');
    assert.equal(member(event, 'src_endpoint.ip'), '203.0.113.7');
    assert.equal(member(event, 'metadata.uid'), record.id);
    assert.equal(member(event, 'metadata.tenant_uid'), 'tenant-1');
    assert.equal(member(event, 'metadata.product.name'), 'otel-audit');
    const withoutClient = JSON.parse(rowOf('ocsf', { ...record, client: undefined, request: undefined })) as unknown;
    assert.equal(member(withoutClient, 'src_endpoint.svc_name'), 'orders');
    assert.deepEqual([member(withoutClient, 'activity_id'), member(withoutClient, 'type_uid')], [99, 600_399]);
  });

  it('is as a CloudEvent unique by source and id, and holds the record', () => {
    const event = parsed('cloudevents');
    assert.deepEqual(
      ['specversion', 'id', 'type', 'subject', 'time'].map((name) => event[name]),
      ['1.0', record.id, 'otel-audit.order.created', 'order/o-1', record.time],
    );
    assert.equal(event['source'], `urn:otel-audit:orders:${record.integrity.stream}`);
    assert.ok(Object.keys(event).every((name) => /^[a-z0-9]+$/.test(name)));
    assert.equal(JSON.stringify(event['data']), JSON.stringify(record));
  });

  it('is as ECS under the names of the schema', () => {
    const document = parsed('ecs');
    assert.equal(document['@timestamp'], record.time);
    assert.deepEqual(
      ['event.category', 'event.type', 'event.outcome', 'user.id', 'source.ip', 'http.response.status_code', 'url.path', 'trace.id'].map(
        (steps) => member(document, steps),
      ),
      [['web'], ['creation'], 'success', 'user-1', '203.0.113.7', 201, '/api/orders', record.trace?.traceId],
    );
  });
});

describe('a record that is shown', () => {
  it('has its bodies laid out, its changes field by field, and says whether it was altered', () => {
    const text = showText(record, true);
    assert.match(text, /request body \(application\/json, 62 bytes\)\n {2}\{\n {4}"sku": "A-1",/);
    assert.match(text, /changes\n {2}orders 7 update\n/);
    assert.match(text, /state.*open/);
    assert.match(text, /\(matches\)/);
    assert.match(showText(record, false), /does NOT match/);
  });

  it('moves no cursor', () => {
    fc.assert(
      fc.property(anyRecord, (any) => {
        const [one] = chained([any]) as readonly [JournalledRecord];
        assert.doesNotMatch(showText(one, true).replaceAll('\n', ''), /[\u0000-\u001f\u007f-\u009f]/);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a filter', () => {
  for (const [filter, passes] of [
    [{}, true],
    [{ actor: 'user-1' }, true],
    [{ actor: 'user-1@example.com' }, true],
    [{ actor: 'user-2' }, false],
    [{ tenant: 'acme' }, true],
    [{ tenant: 'tenant-1' }, true],
    [{ tenant: 'other' }, false],
    [{ action: 'order.*' }, true],
    [{ action: 'order.created' }, true],
    [{ action: 'orderXcreated' }, false],
    [{ action: '*.deleted' }, false],
    [{ target: { type: 'order', id: 'o-1' } }, true],
    [{ target: { type: 'invoice' } }, false],
    [{ target: { id: 'o-2' } }, false],
    [{ outcome: 'failure' }, false],
    [{ kind: 'http' }, true],
    [{ status: [200, 299] as const }, true],
    [{ status: [400, 499] as const }, false],
    [{ since: '2000-01-01T00:00:00.000Z', until: '2999-01-01T00:00:00.000Z' }, true],
    [{ until: '2000-01-01T00:00:00.000Z' }, false],
    [{ trace: record.trace?.traceId }, true],
    [{ request: record.request?.id }, true],
    [{ text: '"sku":"A-1"' }, true],
    [{ text: 'created "1"' }, true],
    [{ text: 'nowhere' }, false],
    [{ id: record.id }, true],
  ] as const) {
    it(`${passes ? 'passes' : 'holds back'} a record for ${JSON.stringify(filter)}`, () =>
      assert.equal(compileFilter(filter)(record), passes));
  }
});
