import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Client } from 'pg';
import { findTables, install, isInstalled, track, trackedTables, untrack } from '../../../src/changes/install.js';
import { query, startPostgres, type TestPostgres } from '../../support/postgres.js';

describe('tracked tables', { timeout: 600_000 }, () => {
  let postgres: TestPostgres;
  let client: Client;
  before(async () => {
    postgres = await startPostgres();
    client = new Client({ connectionString: postgres.url });
    await client.connect();
    await install(client);
  });
  after(async () => {
    await client?.end();
    await postgres?.stop();
  });
  let lastId = '0';
  const recorded = async (): Promise<readonly Record<string, unknown>[]> => {
    const { rows } = await client.query<Record<string, unknown> & { readonly id: string }>(
      'SELECT id::text, operation, row_id, new_row_id, before::text, after::text, context FROM audit.changes WHERE id > $1 ORDER BY changes.id',
      [lastId],
    );
    lastId = rows.at(-1)?.id ?? lastId;
    return rows.map(({ id: _, ...row }) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)));
  };
  const tracked = async (sql: string, name: string, excluded: readonly string[] = [], masked: readonly string[] = []): Promise<void> => {
    await client.query(sql);
    for (const table of await findTables(client, name)) await track(client, table, { excluded, masked });
    await recorded();
  };
  beforeEach(async () => {
    await recorded();
    await client.query("SELECT set_config('audit.context', '', false)");
  });

  it('record exact values, of an update only what changed', async () => {
    await tracked(
      `CREATE TABLE exact (id bigint PRIMARY KEY, amount numeric, doc jsonb, raw json, at timestamptz, bin bytea, tags text[], big bigint, ok bool, f float8)`,
      'exact',
    );
    await client.query(
      `INSERT INTO exact VALUES (9007199254740993, 1.10, '{"a":1.0}', '{"b" : [1,2]}', '2026-01-02 03:04:05.678901+00', '\\x00ff', '{a,"b,c"}', 9223372036854775807, true, 'NaN')`,
    );
    await client.query(`UPDATE exact SET amount = 1.1, doc = '{"a":1}', f = 0.1`);
    await client.query('UPDATE exact SET ok = true');
    const [inserted, updated, ...more] = await recorded();
    assert.deepEqual(more, []);
    assert.equal(
      inserted?.['after'],
      '{"id":"9007199254740993","amount":"1.10","doc":{"a": 1.0},"raw":{"b" : [1,2]},"at":"2026-01-02T03:04:05.678901+00:00","bin":"[2 bytes]","tags":["a","b,c"],"big":"9223372036854775807","ok":true,"f":"NaN"}',
    );
    assert.equal(inserted['row_id'], '9007199254740993');
    assert.deepEqual(
      [updated?.['before'], updated?.['after']],
      ['{"amount":"1.10","doc":{"a": 1.0},"f":"NaN"}', '{"amount":"1.1","doc":{"a": 1},"f":0.1}'],
    );
  });

  it('pair the rows of an update that changes primary keys', async () => {
    await tracked(
      'CREATE TABLE moved (a int, b text, note text, PRIMARY KEY (a, b)); INSERT INTO moved SELECT g, $$x$$, g::text FROM generate_series(1, 5) g',
      'moved',
    );
    await client.query(`UPDATE moved SET a = a + 100, note = 'from ' || a`);
    const rows = await recorded();
    assert.deepEqual(
      rows.map(({ row_id, new_row_id, after }) => [row_id, new_row_id, after]),
      [1, 2, 3, 4, 5].map((a) => [`${a},x`, `${a + 100},x`, `{"a":${a + 100},"note":"from ${a}"}`]),
    );
  });

  it('hold whole rows where there is no primary key', async () => {
    await tracked('CREATE TABLE keyless (a int, b int); INSERT INTO keyless VALUES (1, 2)', 'keyless');
    await client.query('UPDATE keyless SET b = 3');
    assert.deepEqual(await recorded(), [{ operation: 'update', before: '{"a":1,"b":2}', after: '{"b":3}' }]);
  });

  it('mask and leave out columns, and record that a masked one changed', async () => {
    await tracked('CREATE TABLE secrets (id int PRIMARY KEY, password text, note text, n int)', 'secrets', ['note'], ['password']);
    await client.query(`INSERT INTO secrets VALUES (1, 'hunter2', 'private', 1), (2, NULL, NULL, 2)`);
    await client.query(`UPDATE secrets SET password = 'hunter3' WHERE id = 1`);
    await client.query(`UPDATE secrets SET note = 'other'`);
    const rows = await recorded();
    assert.deepEqual(
      rows.map(({ before, after }) => [before, after]),
      [
        [undefined, '{"id":1,"password":"[REDACTED]","n":1}'],
        [undefined, '{"id":2,"password":null,"n":2}'],
        ['{"password":"[REDACTED]"}', '{"password":"[REDACTED]"}'],
      ],
    );
  });

  it('record on when columns come, go and are renamed, and mask what nobody has classified', async () => {
    await tracked('CREATE TABLE drifting (id int PRIMARY KEY, a int, b int); INSERT INTO drifting VALUES (1, 1, 1)', 'drifting');
    await client.query(
      `ALTER TABLE drifting DROP COLUMN a; ALTER TABLE drifting RENAME b TO c; ALTER TABLE drifting ADD api_key text DEFAULT 'k'`,
    );
    await client.query('UPDATE drifting SET c = 2');
    assert.deepEqual(await recorded(), [
      { operation: 'update', row_id: '1', before: '{"c":"[UNCLASSIFIED]"}', after: '{"c":"[UNCLASSIFIED]"}' },
    ]);
    const status = (await trackedTables(client)).find(({ name }) => name === 'public.drifting');
    assert.deepEqual(status?.unclassified, ['c', 'api_key']);
    for (const table of await findTables(client, 'drifting')) await track(client, table, { excluded: [], masked: ['api_key'] });
    await client.query('DELETE FROM drifting');
    assert.deepEqual(await recorded(), [{ operation: 'delete', row_id: '1', before: '{"id":1,"c":2,"api_key":"[REDACTED]"}' }]);
  });

  it('record a renamed table under its new name', async () => {
    await tracked('CREATE TABLE called (id int PRIMARY KEY, n int); INSERT INTO called VALUES (1, 1)', 'called');
    await client.query('ALTER TABLE called RENAME TO renamed; UPDATE renamed SET n = 2');
    const { rows } = await client.query("SELECT after::text FROM audit.changes WHERE table_name = 'renamed'");
    assert.deepEqual(rows, [{ after: '{"n":2}' }]);
  });

  it('record TRUNCATE, cascades, MERGE-like upserts and COPY', async () => {
    await client.query('CREATE TABLE parents (id int PRIMARY KEY)');
    await tracked(
      'CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE, n int DEFAULT 0)',
      'children',
    );
    await client.query('INSERT INTO parents VALUES (1), (2); INSERT INTO children VALUES (10, 1), (20, 2)');
    await client.query('DELETE FROM parents WHERE id = 1');
    await client.query('INSERT INTO children VALUES (20, 2), (21, 2) ON CONFLICT (id) DO UPDATE SET n = 1');
    await client.query('TRUNCATE children');
    assert.deepEqual(
      (await recorded()).map(({ operation, row_id }) => [operation, row_id]),
      [
        ['insert', '10'],
        ['insert', '20'],
        ['delete', '10'],
        ['update', '20'],
        ['insert', '21'],
        ['truncate', undefined],
      ],
    );
  });

  it('record a partitioned table, by its own name, by a partition, and across partitions', async () => {
    await client.query('CREATE TABLE parted (id int, n int, PRIMARY KEY (id)) PARTITION BY RANGE (id)');
    await client.query('CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (10)');
    await tracked('CREATE TABLE parted_high PARTITION OF parted FOR VALUES FROM (10) TO (20)', 'parted');
    await client.query('INSERT INTO parted VALUES (1, 1), (2, 2), (12, 12)');
    await client.query('UPDATE parted SET id = id + 9, n = n + 100 WHERE id < 10');
    await client.query('UPDATE parted_high SET n = 0 WHERE id = 12');
    const rows = await recorded();
    assert.deepEqual(
      rows.map(({ operation, row_id, new_row_id, after }) => [operation, row_id, new_row_id, after]),
      [
        ['insert', '1', undefined, '{"id":1,"n":1}'],
        ['insert', '2', undefined, '{"id":2,"n":2}'],
        ['insert', '12', undefined, '{"id":12,"n":12}'],
        ['update', '1', '10', '{"id":10,"n":101}'],
        ['update', '2', '11', '{"id":11,"n":102}'],
        ['update', '12', undefined, '{"n":0}'],
      ],
    );
  });

  it('take any context as it is, and let none break a statement', async () => {
    await tracked('CREATE TABLE contexts (id int PRIMARY KEY)', 'contexts');
    const hostile = [`'; DROP TABLE contexts; --`, '*/ OR true /*', '\\', '{"id":', '\u{1f600}"\'$1$$', 'x'.repeat(1_000_000)];
    for (const [id, context] of hostile.entries()) {
      await client.query("SELECT set_config('audit.context', $1, false)", [context]);
      await client.query('INSERT INTO contexts VALUES ($1)', [id]);
    }
    assert.deepEqual(
      (await recorded()).map(({ context }) => context),
      hostile,
    );
  });

  it('have strange names', async () => {
    await tracked(`CREATE TABLE "we;ird ""x'" ("a b%s" int PRIMARY KEY, "$body$" text, "_" text)`, `"we;ird ""x'"`);
    await client.query(`INSERT INTO "we;ird ""x'" VALUES (1, '$track$', '%')`);
    const [row] = await recorded();
    assert.deepEqual(JSON.parse(String(row?.['after'])), { 'a b%s': 1, $body$: '$track$', _: '%' });
  });

  it('have more columns than a function takes arguments', async () => {
    const columns = Array.from({ length: 250 }, (_, index) => `c${index} int`).join(', ');
    await tracked(`CREATE TABLE wide (id int PRIMARY KEY, ${columns}); INSERT INTO wide (id, c0, c249) VALUES (1, 1, 1)`, 'wide');
    await client.query('UPDATE wide SET c0 = 2, c120 = 3, c249 = 4');
    assert.deepEqual((await recorded())[0]?.['after'], '{"c0":2,"c120":3,"c249":4}');
  });

  it('cost a bulk statement after a single row, and a single row after a bulk statement, no bad plan', async () => {
    await tracked('CREATE TABLE bulk (id int PRIMARY KEY, n int)', 'bulk');
    await client.query('INSERT INTO bulk VALUES (0, 0); INSERT INTO bulk SELECT g, 0 FROM generate_series(1, 20000) g');
    await client.query('UPDATE bulk SET n = 1 WHERE id = 0');
    // A nested loop over 20,000 pairs would be at it for a minute.
    await client.query('SET statement_timeout = 30000');
    await client.query('UPDATE bulk SET n = 2');
    await client.query('RESET statement_timeout');
    assert.equal((await recorded()).length, 20_001 + 1 + 20_001);
  });

  it('leave nothing of what is rolled back', async () => {
    await tracked('CREATE TABLE undone (id int PRIMARY KEY)', 'undone');
    await client.query('BEGIN; INSERT INTO undone VALUES (1); SAVEPOINT a; INSERT INTO undone VALUES (2); ROLLBACK TO a; COMMIT');
    await client.query('BEGIN; INSERT INTO undone VALUES (3); ROLLBACK');
    assert.deepEqual(
      (await recorded()).map(({ row_id }) => row_id),
      ['1'],
    );
  });

  it('are written for a role that may neither read nor write the changes', async () => {
    await tracked('CREATE TABLE served (id int PRIMARY KEY); CREATE ROLE app LOGIN; GRANT INSERT ON served TO app', 'served');
    const url = new URL(postgres.url);
    url.username = 'app';
    await query(url.href, 'INSERT INTO served VALUES (1)');
    for (const sql of ['SELECT FROM audit.changes', 'DELETE FROM audit.changes', "SELECT audit.track('served'::regclass, '{}', '{}')"]) {
      await assert.rejects(query(url.href, sql), { code: '42501' });
    }
    assert.equal((await recorded()).length, 1);
  });

  it('are append-only, for their owner too', async () => {
    for (const sql of [
      'DELETE FROM audit.changes',
      'UPDATE audit.changes SET context = NULL',
      'TRUNCATE audit.changes',
      'TRUNCATE audit.changes_default',
    ]) {
      await assert.rejects(client.query(sql), { code: '42501' }, sql);
    }
  });

  it('are not tracked any more once untracked, and tracked again as before', async () => {
    await tracked('CREATE TABLE fickle (id int PRIMARY KEY)', 'fickle');
    const [table] = await findTables(client, 'fickle');
    assert.ok(table);
    await untrack(client, table);
    await client.query('INSERT INTO fickle VALUES (1)');
    assert.deepEqual(await recorded(), []);
    await track(client, table, { excluded: [], masked: [] });
    await track(client, table, { excluded: [], masked: [] });
    await client.query('INSERT INTO fickle VALUES (2)');
    assert.equal((await recorded()).length, 1);
  });

  it('are tracked while a transaction holds them, without making writers wait behind', async () => {
    await client.query('CREATE TABLE held (id int PRIMARY KEY)');
    const [table] = await findTables(client, 'held');
    const [holder, writer] = [new Client({ connectionString: postgres.url }), new Client({ connectionString: postgres.url })];
    await Promise.all([holder.connect(), writer.connect()]);
    assert.ok(table);
    await holder.query('BEGIN; INSERT INTO held VALUES (0)');
    const tracking = track(client, table, { excluded: [], masked: [] });
    // Behind a lock that waits without end, these would not return before the holder.
    for (let id = 1; id <= 50; id += 1) await writer.query('INSERT INTO held VALUES ($1)', [id]);
    await holder.query('COMMIT');
    await tracking;
    await writer.query('INSERT INTO held VALUES (100)');
    assert.equal((await recorded()).length, 1);
    await Promise.all([holder.end(), writer.end()]);
  });

  it('are installed once, by however many at the same time', async () => {
    assert.equal(await install(client), false);
    assert.equal(await isInstalled(client), true);
  });
});
