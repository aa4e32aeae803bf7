/** Partitions of a day, and tables that an earlier version made. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createPostgresExporter, createTables } from '../../exporters/postgres/index.js';
import type { JournalledRecord } from '../../src/record.js';
import { chained, exampleRecord } from '../../src/testing/records.js';
import { emptySchema, MIGRATION_FILES, readTrail, tablesOfOld } from '../support/audit-schema.js';
import { query, startPostgres, type TestPostgres } from '../support/postgres.js';

const DAY_MS = 86_400_000;

let server: TestPostgres;
before(async () => {
  server = await startPostgres();
});
after(() => server?.stop());

describe('postgres partitions of a day', () => {
  it('are made from yesterday to two weeks ahead, and for a row that has none', async () => {
    const url = await emptySchema(server.url);
    await createTables(url, { partitions: 'day' });
    const made = await partitionsOf(url);
    assert.equal(made.length, 16);
    assert.ok(made.every((name) => /^audit_logs_\d{4}_\d\d_\d\d$/.test(name)));
    const records = at(-100, -99, -3, 0);
    await store(url, records);
    assert.deepEqual(await readTrail(url), records);
    assert.equal((await partitionsOf(url)).length, 19);
    const [row] = await query(url, 'SELECT audit_partition_of($1)::text AS name', [records[0]?.time]);
    assert.equal(row?.name, `audit_logs_${records[0]?.time.slice(0, 10).replaceAll('-', '_')}`);
  });

  it('take over where months are empty; a month that holds rows stays one, and back again', async () => {
    const url = await emptySchema(server.url);
    await createTables(url);
    const records = at(-100);
    await store(url, records);
    await createTables(url, { partitions: 'day' });
    const [month, ...days] = await partitionsOf(url);
    assert.match(month ?? '', /^audit_logs_\d{4}_\d\d$/);
    assert.equal(days.length, 16);
    const later = at(-100, 0);
    await store(url, later);
    assert.equal((await partitionsOf(url)).length, 17);
    await createTables(url, { partitions: 'month' });
    const back = await partitionsOf(url);
    assert.ok(back.includes(`audit_logs_${later[1]?.time.slice(0, 10).replaceAll('-', '_')}`));
    assert.ok(back.filter((name) => /^audit_logs_\d{4}_\d\d$/.test(name)).length >= 3);
    assert.equal((await readTrail(url)).length, 3);
  });
});

describe('postgres upgrades', () => {
  for (const [index, from] of MIGRATION_FILES.entries()) {
    if (index === MIGRATION_FILES.length - 1) break;
    it(`keep the rows of ${from.slice(0, 4)}, take more, and end with what a new database has`, async () => {
      const url = await emptySchema(server.url);
      await tablesOfOld(url, index + 1);
      const before = at(0);
      await query(url, INSERT_AS_OLD, [JSON.stringify(before[0])]);
      const { applied } = await createTables(url);
      assert.deepEqual(
        applied,
        MIGRATION_FILES.slice(index + 1).map((file) => Number(file.slice(0, 4))),
      );
      const after = at(-100, 0);
      await store(url, after);
      const ids = (await readTrail(url)).map(({ id }) => id);
      assert.deepEqual([...ids].sort(), [...before, ...after].map(({ id }) => id).sort());
      const fresh = await emptySchema(server.url);
      await createTables(fresh);
      assert.deepEqual(await shapeOf(url), await shapeOf(fresh));
    });
  }
});

/** A row as no exporter of today need write it. */
const INSERT_AS_OLD = `INSERT INTO audit_logs (id, schema_version, kind, occurred_at, observed_at, action, outcome, actor_id, actor_type,
    actor_verified, service_name, stream, epoch, seq, prev_hash, hash)
  SELECT (r->>'id')::uuid, 1, r->>'kind', (r->>'time')::timestamptz, (r->>'time')::timestamptz, r->>'action', r->>'outcome', r#>>'{actor,id}',
    r#>>'{actor,type}', false, r#>>'{service,name}', r#>>'{integrity,stream}', 1, 1, r#>>'{integrity,prevHash}', r#>>'{integrity,hash}'
  FROM (SELECT $1::jsonb AS r) AS one`;

/** Functions, triggers, tables and columns, without the schema's name. */
async function shapeOf(url: string): Promise<readonly unknown[]> {
  const rows = await query(
    url,
    `SELECT 'function' AS kind, proname AS name, replace(prosrc, current_schema(), '@') AS what FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
     UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
       WHERE relnamespace = current_schema()::regnamespace AND NOT tgisinternal AND relname !~ '_\\d{4}_\\d\\d'
     UNION ALL SELECT 'column', attrelid::regclass::text, attname || ' ' || format_type(atttypid, NULL) FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
       WHERE relnamespace = current_schema()::regnamespace AND attnum > 0 AND relname !~ '_\\d{4}_\\d\\d'
     ORDER BY 1, 2, 3`,
  );
  return rows.map((row) => Object.values(row));
}

/** Records of so many days from now. */
function at(...days: readonly number[]): readonly JournalledRecord[] {
  return chained(days.map((day, n) => exampleRecord(n, { time: new Date(Date.now() + day * DAY_MS).toISOString() })));
}

async function store(url: string, records: readonly JournalledRecord[]): Promise<void> {
  const exporter = createPostgresExporter({ url });
  const answers = await exporter.export(records, AbortSignal.timeout(60_000));
  await exporter.shutdown();
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], ['delivered']);
}

async function partitionsOf(url: string): Promise<readonly string[]> {
  const rows = await query(
    url,
    "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'audit_logs'::regclass ORDER BY 1",
  );
  return rows.map(({ name }) => String(name));
}
