/** Every column of the table is held against what was hashed: what is stored is found whole, and no column can be changed unnoticed. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { v7 } from 'uuid';
import { COLUMNS, type Column } from '../../exporters/postgres/columns.js';
import { createPostgresExporter, createTables } from '../../exporters/postgres/index.js';
import type { AuditRecord, JournalledRecord } from '../../src/record.js';
import { anyRecord } from '../../src/testing/any-record.js';
import { chained, exampleRecord, hostileRecords } from '../../src/testing/records.js';
import { openPostgresTrail } from '../../src/trail/postgres-trail.js';
import type { FullEntry, Trail, TrailEntry } from '../../src/trail/trail.js';
import { emptySchema } from '../support/audit-schema.js';
import { query, startPostgres, type TestPostgres } from '../support/postgres.js';

describe('the columns of a record', () => {
  let server: TestPostgres;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server.stop());

  it('are whole for any record that can be stored, and say all of it', async () => {
    const seed = Number(process.env.AUDIT_TEST_SEED ?? Date.now() % 2 ** 31);
    const records = chained([...hostileRecords(), ...odd(), ...fc.sample(anyRecord, { numRuns: 300, seed })]);
    const url = await stored(records);
    const entries = await entriesOf(url);
    assert.equal(entries.length, records.length, `AUDIT_TEST_SEED=${seed}`);
    for (const [index, { record, fault }] of entries.entries()) {
      assert.equal(fault, undefined, JSON.stringify(records[index]));
      assert.deepEqual(record?.integrity, records[index]?.integrity);
    }
    const full = await fullEntriesOf(url);
    for (const [index, { record }] of full.entries()) assert.deepEqual({ ...record }, JSON.parse(JSON.stringify(records[index])));
  });

  for (const column of [...COLUMNS, { name: 'actor', type: 'jsonb' }, { name: 'rest', type: 'jsonb' }] as readonly Column[]) {
    it(`cannot be changed unnoticed: ${column.name}`, async () => {
      const [bare, full] = [exampleRecord(1, { metadata: undefined }), everyColumn()];
      const url = await stored(chained([bare, full, exampleRecord(3)]));
      for (const [seq, change] of [
        [1, changed(column)],
        [2, changed(column)],
        ...(NOT_NULL.has(column.name) ? [] : [[2, 'NULL'] as const]),
      ] as const) {
        const isNoticed = await tampered(url, seq, `${column.name} = ${change}`);
        assert.ok(isNoticed, `${column.name} of record ${seq} as ${change}`);
      }
    });
  }

  for (const { name, member, type } of COLUMNS) {
    it(`cannot be changed while rest says what it was: ${name}`, async () => {
      const record = chained([everyColumn()])[0] as JournalledRecord;
      const url = await stored([record]);
      const [object, own] = member;
      const value: unknown = own === undefined ? record[object as 'id'] : (record[object as 'actor'] as never)?.[own];
      const said = JSON.stringify(own === undefined ? { [object]: value } : { [object]: { [own]: value } }).replaceAll("'", "''");
      const change = changed({ name, type, member });
      assert.ok(await tampered(url, 1, `${name} = ${change}, rest = '${said}'`), `${name} as ${change}`);
      if (object !== 'actor') return;
      const inActor = JSON.stringify({ [String(own)]: value }).replaceAll("'", "''");
      assert.ok(await tampered(url, 1, `${name} = ${change}, actor = coalesce(actor, '{}') || '${inActor}'`));
    });
  }

  it('cannot be given members that were not hashed', async () => {
    const url = await stored(chained([everyColumn(), exampleRecord(2)]));
    for (const seq of [1, 2]) {
      for (const rest of ['{"extra": 1}', '{"request": {"extra": 1}}', '{"request": {}}', '{"integrity": "none"}', '5', 'null', '[]', '{}'])
        assert.ok(await tampered(url, seq, `rest = '${rest}'`), rest);
      assert.ok(await tampered(url, seq, `metadata = 'null'`));
      for (const actor of ['{"id": "x"}', '5', '{}']) assert.ok(await tampered(url, seq, `actor = '${actor}'`), actor);
    }
  });

  async function stored(records: readonly JournalledRecord[]): Promise<string> {
    const url = await emptySchema(server.url);
    await createTables(url);
    const exporter = createPostgresExporter({ url });
    const answers = await exporter.export(records, AbortSignal.timeout(60_000));
    await exporter.shutdown();
    assert.deepEqual(
      answers.filter(({ status }) => status !== 'delivered'),
      [],
    );
    return url;
  }
});

/** With a value in every column, and beside them. */
function everyColumn(): AuditRecord {
  return exampleRecord(2, {
    phase: 'start',
    refersTo: v7(),
    error: { type: 'TypeError', message: 'no' },
    changes: [{ table: 'orders', after: { id: 1 } }],
    client: { address: '2001:db8::1', port: 1, peer: '10.0.0.1', forwarded: 'for=1', userAgent: 'x', geo: { country: 'NL' } },
    request: {
      id: 'r',
      method: 'PUT',
      path: '/',
      route: '/',
      query: 'a=1',
      headers: { accept: '*/*', traceparent: 'x', 'content-type': 'a/b' },
      contentType: 'text/plain',
      body: 'a body',
      bodyFormat: 'text',
      bodySize: 6,
      bodyTruncated: true,
      bodyOmitted: 'level',
    },
    response: {
      status: 200,
      contentType: 'application/json',
      body: '{"a": [1, "zwölf"]}',
      bodyFormat: 'json',
      bodySize: 2 ** 40,
      bodyTruncated: false,
      bodyOmitted: 'level',
    },
  });
}

/** What columns cannot hold as it is. */
function odd(): readonly AuditRecord[] {
  return [
    exampleRecord(1, { id: v7().toUpperCase(), time: `${new Date().toISOString().slice(0, -1)}+00:00` }),
    exampleRecord(2, { client: { address: '2001:DB8:0::1' }, response: { body: '{"a":"\\ud800"}', bodyFormat: 'json' } }),
    exampleRecord(3, { client: { address: '::db:ca' } }),
    exampleRecord(3, { metadata: { b: 1, aa: 2, é: 3, 'a b': 4, '"': 5, nested: { z: 1, a: [] } }, error: {} }),
    everyColumn(),
  ];
}

const NOT_NULL: ReadonlySet<string> = new Set(
  'id schema_version kind occurred_at observed_at action outcome actor_id actor_type actor_verified service_name stream epoch seq prev_hash hash'.split(
    ' ',
  ),
);

/** An expression for another value. */
function changed({ name, type }: Column): string {
  switch (type) {
    case 'uuid':
      return 'gen_random_uuid()';
    case 'timestamptz':
      return `${name} + interval '1 microsecond'`;
    case 'inet':
      return `set_masklen(coalesce(${name}, '10.0.0.1'), 20)`;
    case 'boolean':
      return `coalesce(NOT ${name}, false)`;
    case 'json':
      return `(coalesce(${name}::text, 'null') || ' ')::json`;
    case 'jsonb':
      return `CASE WHEN jsonb_typeof(${name}) = 'array' THEN '[]' ELSE coalesce(${name}, '{}') || '{"forged": true}' END`;
    case 'text':
      return `coalesce(${name}, '') || 'x'`;
    default:
      return `coalesce(${name}, 0) + 1`;
  }
}

/** Whether the change of one record is noticed; it is taken back afterwards. */
async function tampered(url: string, seq: number, change: string): Promise<boolean> {
  await query(
    url,
    `SET session_replication_role = replica; CREATE TABLE kept AS SELECT * FROM audit_logs; UPDATE audit_logs SET ${change} WHERE seq = ${seq}`,
  );
  const faults = (await entriesOf(url)).filter(({ fault }) => fault !== undefined);
  await query(
    url,
    'SET session_replication_role = replica; DELETE FROM audit_logs; INSERT INTO audit_logs SELECT * FROM kept; DROP TABLE kept',
  );
  return faults.length === 1;
}

function entriesOf(url: string): Promise<readonly TrailEntry[]> {
  return allOf(url, (trail) => trail.entries());
}

function fullEntriesOf(url: string): Promise<readonly FullEntry[]> {
  return allOf(url, (trail) => trail.fullEntries());
}

async function allOf<Entry>(url: string, read: (trail: Trail) => AsyncIterable<readonly Entry[]>): Promise<readonly Entry[]> {
  const trail = await openPostgresTrail({ url });
  try {
    const all: Entry[] = [];
    for await (const batch of read(trail)) all.push(...batch);
    return all;
  } finally {
    await trail.close();
  }
}
