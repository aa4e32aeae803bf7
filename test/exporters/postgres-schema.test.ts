/** The tables of the Postgres exporter: how they come to be, who may do what with them, and that they only grow. */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { Client } from 'pg';
import { COLUMNS } from '../../exporters/postgres/columns.js';
import { createPostgresExporter, createTables, migrationSql } from '../../exporters/postgres/index.js';
import { runMigrate } from '../../src/cli/migrate.js';
import type { AuditExporter } from '../../src/exporter.js';
import type { JournalledRecord } from '../../src/record.js';
import { exampleRecords } from '../../src/testing/records.js';
import { emptySchema, newRole, readTrail } from '../support/audit-schema.js';
import { query, startPostgres, type TestPostgres } from '../support/postgres.js';
import { ROOT } from '../support/service.js';

const DAY_MS = 86_400_000;
const VERSIONS = readdirSync(join(ROOT, 'exporters/postgres/sql'))
  .map((file) => Number(file.slice(0, 4)))
  .sort((a, b) => a - b);
const LAST = VERSIONS.at(-1) ?? 0;

let server: TestPostgres;
before(async () => {
  server = await startPostgres();
});
after(() => server?.stop());

describe('postgres migrations', () => {
  it('make the columns that rows are written to and read from', async () => {
    const url = await emptySchema(server.url);
    await createTables(url);
    const columns = await query(
      url,
      `SELECT attname AS name, format_type(atttypid, NULL) AS type FROM pg_attribute
       WHERE attrelid = 'audit_logs'::regclass AND attnum > 0 AND NOT attisdropped`,
    );
    const expected = [...COLUMNS, { name: 'actor', type: 'jsonb' }, { name: 'rest', type: 'jsonb' }];
    assert.deepEqual(
      sorted(columns.map(({ name, type }) => `${name} ${type}`)),
      sorted(expected.map(({ name, type }) => `${name} ${type === 'timestamptz' ? 'timestamp with time zone' : type}`)),
    );
  });

  it('are applied once when eight processes start at once', async () => {
    const url = await emptySchema(server.url);
    const results = await Promise.all(Array.from({ length: 8 }, () => createTables(url)));
    assert.deepEqual(sorted(results.map(({ version, applied }) => `${version}: ${applied}`)), [
      ...Array<string>(7).fill(`${LAST}: `),
      `${LAST}: ${VERSIONS}`,
    ]);
    assert.deepEqual((await createTables(url)).applied, []);
  });

  it('are made by the first batch of eight exporters that start at once', async (t) => {
    const url = await emptySchema(server.url);
    const batches = Array.from({ length: 8 }, () => exampleRecords(5));
    const answers = await Promise.all(batches.map((records) => opened(t, url).export(records, deadline())));
    assert.ok(answers.flat().every(({ status }) => status === 'delivered'));
    assert.equal((await readTrail(url)).length, 40);
  });

  it('can be applied by hand, more than once', async () => {
    const url = await emptySchema(server.url);
    await query(url, migrationSql());
    await query(url, migrationSql());
    assert.deepEqual(await createTables(url), { version: LAST, applied: [] });
  });

  it('make indexed partitions from the month before this one to three ahead', async () => {
    const url = await emptySchema(server.url);
    await createTables(url);
    const made = await partitionsOf(url);
    const [now] = await query(url, "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM') AS month");
    assert.equal(made.length, 5);
    assert.equal(made[1], `audit_logs_${now?.month}`);
    const [indexes] = await query(url, "SELECT count(*)::int AS count FROM pg_inherits WHERE inhparent = 'audit_logs_actor_idx'::regclass");
    assert.equal(indexes?.count, 5);
  });

  it('compress bodies in every partition with lz4 where the server can, and keep them as the text that was hashed', async () => {
    const url = await emptySchema(server.url);
    await createTables(url);
    // Before 14 there is neither the column nor the setting.
    const [bodies] = await query(
      url,
      `SELECT count(*)::int AS count, bool_and(atttypid = 'json'::regtype) AS json, bool_and(to_jsonb(pg_attribute) ->> 'attcompression' = 'l') AS lz4,
         (SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression') AS able
       FROM pg_attribute JOIN pg_inherits ON inhrelid = attrelid
       WHERE inhparent = 'audit_logs'::regclass AND attname IN ('request_body', 'response_body')`,
    );
    assert.deepEqual([bodies?.count, bodies?.json], [10, true]);
    assert.equal(bodies?.lz4 === true, bodies?.able === true);
  });
});

describe('postgres partitions', () => {
  it('are made for a row of a month that has none, in the past as far as a writer may', async (t) => {
    const url = await emptySchema(server.url);
    const records = at(-300, -200, -100, 0, -300);
    assert.deepEqual(
      await statusesOf(opened(t, url), records),
      records.map(() => 'delivered'),
    );
    assert.deepEqual(await readTrail(url), records);
    assert.equal((await partitionsOf(url)).length, 8);
  });

  it('are not made for a clock that is years off; the others of the batch are stored', async (t) => {
    const url = await emptySchema(server.url);
    const exporter = opened(t, url);
    const records = at(0, -9000, 4000, 0);
    assert.deepEqual(await statusesOf(exporter, records), ['delivered', 'rejected', 'rejected', 'delivered']);
    await query(url, 'SELECT audit_create_partition($1)', [records[1]?.time]);
    assert.deepEqual(await statusesOf(exporter, records), ['delivered', 'delivered', 'rejected', 'delivered']);
  });

  it('are made daily for the months ahead', async (t) => {
    const url = await emptySchema(server.url);
    let now = Date.now();
    const exporter = createPostgresExporter({ url, now: () => now });
    t.after(() => exporter.shutdown());
    await statusesOf(exporter, at(0));
    const last = (await partitionsOf(url)).at(-1);
    await query(url, `DROP TABLE ${last}`);
    await statusesOf(exporter, at(0));
    assert.notEqual((await partitionsOf(url)).at(-1), last);
    now += DAY_MS;
    await statusesOf(exporter, at(0));
    assert.equal((await partitionsOf(url)).at(-1), last);
  });

  it('are made while a writer has a transaction open', async (t) => {
    const url = await emptySchema(server.url);
    await createTables(url);
    await statusesOf(opened(t, url), at(0));
    const writer = new Client({ connectionString: url });
    await writer.connect();
    t.after(() => writer.end());
    await writer.query('BEGIN; LOCK TABLE audit_logs IN ROW EXCLUSIVE MODE');
    const maker = new Client({ connectionString: url, lock_timeout: 2000 });
    await maker.connect();
    t.after(() => maker.end());
    const { rows } = await maker.query('SELECT audit_create_partition($1) AS made', [at(-200)[0]?.time]);
    assert.deepEqual(rows, [{ made: true }]);
  });
});

describe('postgres trail', () => {
  for (const change of ["UPDATE # SET outcome = 'success'", 'DELETE FROM #', 'TRUNCATE #']) {
    it(`refuses ${change} even to the owner, on the table and on its partitions`, async (t) => {
      const url = await emptySchema(server.url);
      await statusesOf(opened(t, url), at(0, -100));
      for (const table of ['audit_logs', ...(await partitionsOf(url))]) {
        const [count] = await query(url, `SELECT count(*)::int AS count FROM ${table}`);
        if (count?.count === 0 && !change.startsWith('TRUNCATE')) continue;
        await assert.rejects(query(url, change.replace('#', table)), { code: '42501', message: /append-only/ });
      }
      assert.equal((await readTrail(url)).length, 2);
    });
  }
});

describe('otel-audit migrate', () => {
  it('makes the tables, and says so only once', async () => {
    const url = await emptySchema(server.url);
    const printed: string[] = [];
    for (let run = 0; run < 2; run += 1) await runMigrate({ access: { url }, write: (text) => printed.push(text) });
    assert.deepEqual(printed, [`audit_logs: applied version ${VERSIONS.join(', ')}\n`, `audit_logs is up to date at version ${LAST}\n`]);
  });

  it('prints the SQL without a database', async () => {
    const printed: string[] = [];
    await runMigrate({ write: (text) => printed.push(text) });
    assert.match(printed.join(''), /^BEGIN;.*CREATE TABLE IF NOT EXISTS audit_logs.*COMMIT;\n$/s);
  });

  it('says what the database refused, and quotes no password', async () => {
    const url = new URL(await emptySchema(server.url));
    url.port = '1';
    url.password = 's3cret';
    await assert.rejects(runMigrate({ access: { url: url.href }, write: () => {} }), (error: Error) => {
      return /not migrated: nobody listens there \(ECONNREFUSED\)/.test(error.message) && !error.message.includes('s3cret');
    });
  });
});

describe('postgres roles', () => {
  it('need INSERT and nothing else', async (t) => {
    const { owner, writer } = await roles('GRANT INSERT ON audit_logs TO ');
    assert.deepEqual(await statusesOf(opened(t, writer), at(0, -1, 0)), ['delivered', 'delivered', 'delivered']);
    assert.equal((await readTrail(owner)).length, 3);
    for (const refused of [
      'SELECT * FROM audit_logs',
      'DELETE FROM audit_logs',
      "SELECT audit_ensure_partition('2026-01-01')",
      'SELECT audit_ensure_partitions()',
      'SELECT audit_create_partition(now())',
    ]) {
      await assert.rejects(query(writer, refused), { code: '42501' });
    }
  });

  it('that may not make partitions wait for one, and hold nobody else up', async (t) => {
    const { owner, writer } = await roles('GRANT INSERT ON audit_logs TO ');
    const exporter = opened(t, writer);
    const records = at(0, -200, 0);
    const answers = await exporter.export(records, deadline());
    assert.deepEqual(
      answers.map(({ status }) => status),
      ['delivered', 'retry', 'delivered'],
    );
    assert.match(JSON.stringify(answers[1]), /GRANT EXECUTE ON FUNCTION audit_ensure_partition/);
    await query(owner, 'SELECT audit_ensure_partition($1)', [records[1]?.time]);
    assert.deepEqual(await statusesOf(exporter, records), ['delivered', 'delivered', 'delivered']);
  });

  it('that may make partitions make them within the window only', async (t) => {
    const { writer } = await roles(
      'GRANT INSERT ON audit_logs TO # ; GRANT EXECUTE ON FUNCTION audit_ensure_partition(timestamptz), audit_ensure_partitions() TO #',
    );
    assert.deepEqual(await statusesOf(opened(t, writer), at(0, -200, -3000)), ['delivered', 'delivered', 'rejected']);
    await assert.rejects(query(writer, 'SELECT audit_create_partition(now())'), { code: '42501' });
  });

  it('that row level security restricts still write', async (t) => {
    const { owner, writer } = await roles('GRANT INSERT ON audit_logs TO ');
    await query(owner, 'ALTER TABLE audit_logs ENABLE ROW LEVEL SECURITY; CREATE POLICY write ON audit_logs FOR INSERT WITH CHECK (true)');
    const exporter = opened(t, writer);
    for (const records of [at(0, 0), at(0)]) assert.ok((await statusesOf(exporter, records)).every((status) => status === 'delivered'));
    assert.equal((await readTrail(owner)).length, 3);
  });

  it('that may not make tables say so, and deliver once the owner has', async (t) => {
    const url = await emptySchema(server.url);
    const { role, url: writer } = await newRole(url);
    const exporter = opened(t, writer);
    const records = at(0);
    const [answer] = await exporter.export(records, deadline());
    assert.equal(answer?.status, 'retry');
    assert.match(answer.reason, /does not exist and the role may not create it: run `otel-audit migrate`/);
    await createTables(url);
    assert.match(JSON.stringify(await exporter.export(records, deadline())), /may not do this \(42501\)/);
    await query(url, `GRANT INSERT ON audit_logs TO ${role}`);
    assert.deepEqual(await statusesOf(exporter, records), ['delivered']);
  });
});

/** An owner's schema with tables, and a role with what `grants` says; `#` or the end stands for its name. */
async function roles(grants: string): Promise<{ readonly owner: string; readonly writer: string }> {
  const owner = await emptySchema(server.url);
  await createTables(owner);
  const { role, url: writer } = await newRole(owner);
  await query(owner, grants.includes('#') ? grants.replaceAll('#', role) : grants + role);
  return { owner, writer };
}

/** Records of so many days from now. */
function at(...days: readonly number[]): readonly JournalledRecord[] {
  return days.flatMap((day) => exampleRecords(1, { time: new Date(Date.now() + day * DAY_MS).toISOString() }));
}

async function statusesOf(exporter: AuditExporter, records: readonly JournalledRecord[]): Promise<readonly string[]> {
  return (await exporter.export(records, deadline())).map(({ status }) => status);
}

async function partitionsOf(url: string): Promise<readonly string[]> {
  const rows = await query(url, "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'audit_logs'::regclass");
  return sorted(rows.map(({ name }) => String(name)));
}

function opened(t: TestContext, url: string): AuditExporter {
  const exporter = createPostgresExporter({ url });
  t.after(() => exporter.shutdown());
  return exporter;
}

function sorted(values: readonly string[]): readonly string[] {
  return [...values].sort();
}

function deadline(): AbortSignal {
  return AbortSignal.timeout(60_000);
}
