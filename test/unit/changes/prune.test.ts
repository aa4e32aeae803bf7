import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Client } from 'pg';
import { findTables, install, track } from '../../../src/changes/install.js';
import { type PruneChangesOptions, pruneChanges } from '../../../src/changes/prune.js';
import { startPostgres, type TestPostgres } from '../../support/postgres.js';

const CONTEXT = JSON.stringify({ actor: { id: 'u-1' }, tenant: { id: 'acme' } });

describe('old row changes', { timeout: 600_000 }, () => {
  let postgres: TestPostgres;
  let client: Client;
  const opened: Client[] = [];
  const open = async (): Promise<Client> => {
    const another = new Client({ connectionString: postgres.url, statement_timeout: 10_000 });
    opened.push(another);
    await another.connect();
    return another;
  };
  const prune = (options: Partial<PruneChangesOptions> = {}) =>
    pruneChanges(client, { keep: '90 days', holds: [], apply: true, ...options });
  const change = (when: string, id = '1'): Promise<unknown> =>
    client.query(
      `INSERT INTO audit.changes (changed_at, table_schema, table_name, operation, row_id, after, context)
       VALUES ($1, 'public', 'orders', 'insert', $2, '{}', $3)`,
      [when, id, CONTEXT],
    );
  const partitions = async (): Promise<readonly string[]> => {
    const { rows } = await client.query<{ name: string }>(
      "SELECT relname AS name FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = 'audit.changes'::regclass ORDER BY 1",
    );
    return rows.map(({ name }) => name);
  };
  before(async () => {
    postgres = await startPostgres();
    client = await open();
  });
  beforeEach(async () => {
    await client.query('DROP SCHEMA IF EXISTS audit CASCADE; DROP TABLE IF EXISTS orders; CREATE TABLE orders (id int PRIMARY KEY)');
    await install(client);
    for (const table of await findTables(client, 'orders')) await track(client, table, { excluded: [], masked: [] });
    for (const month of ['01', '02'])
      await client.query(
        `CREATE TABLE audit.changes_2020_${month} PARTITION OF audit.changes FOR VALUES FROM ('2020-${month}-01') TO ('2020-${month}-28')`,
      );
    await change('2020-01-10', '1');
    await change('2020-02-10', '2');
    await client.query('INSERT INTO orders VALUES (1)');
  });
  after(async () => {
    for (const one of opened) await one.end();
    await postgres?.stop();
  });

  it('are only counted at first', async () => {
    const known = await partitions();
    assert.deepEqual(await prune({ apply: false }), [
      { partition: 'changes_2020_01', rows: 1, behind: [], held: 0, removed: true },
      { partition: 'changes_2020_02', rows: 1, behind: [], held: 0, removed: true },
    ]);
    assert.deepEqual(await partitions(), known);
  });

  it('go by whole months, which a ledger keeps, and later ones stay', async () => {
    await prune();
    const { rows: left } = await client.query('SELECT row_id FROM audit.changes');
    assert.deepEqual(left, [{ row_id: '1' }]);
    assert.equal(
      (await partitions()).some((name) => name.startsWith('changes_2020')),
      false,
    );
    const { rows: ledger } = await client.query('SELECT partition, removed_rows::int AS removed FROM audit.removals ORDER BY 1');
    assert.deepEqual(ledger, [
      { partition: 'changes_2020_01', removed: 1 },
      { partition: 'changes_2020_02', removed: 1 },
    ]);
    await assert.rejects(client.query('DELETE FROM audit.removals'), { code: '42501' });
  });

  it('stay as long as a relay has not read them', async () => {
    await client.query(
      `INSERT INTO audit.relays (destination, xact, id) SELECT 'azure', xact, id FROM audit.changes WHERE changed_at < '2020-02-01'`,
    );
    const results = await prune();
    assert.deepEqual(
      results.map(({ partition, behind, removed }) => [partition, behind, removed]),
      [
        ['changes_2020_01', [], true],
        ['changes_2020_02', ['azure'], false],
      ],
    );
    await client.query('UPDATE audit.relays SET (xact, id) = (SELECT xact, id FROM audit.changes ORDER BY changes.id DESC LIMIT 1)');
    assert.deepEqual(
      (await prune()).map(({ removed }) => removed),
      [true],
    );
  });

  it('stay where a legal hold covers one of them', async () => {
    const kept = async (hold: PruneChangesOptions['holds'][number]): Promise<readonly number[]> =>
      (await prune({ apply: false, holds: [hold] })).map(({ held }) => held);
    assert.deepEqual(await kept({}), [1, 1]);
    assert.deepEqual(await kept({ actorId: 'u-1', tenantId: 'acme' }), [1, 1]);
    assert.deepEqual(await kept({ actorId: 'u-2' }), [0, 0]);
    assert.deepEqual(await kept({ targetType: 'order', targetId: '2' }), [0, 1]);
    assert.deepEqual(await kept({ from: '2020-01-01T00:00:00Z', to: '2020-02-01T00:00:00Z' }), [1, 0]);
    assert.deepEqual(
      (await prune({ holds: [{ targetId: '2' }] })).map(({ removed }) => removed),
      [true, false],
    );
  });

  it('go from the default partition once all of it is past the period', async () => {
    await change('2020-06-10', '3');
    const today = await partitions();
    await prune();
    assert.deepEqual(
      await partitions(),
      today.filter((name) => !name.startsWith('changes_2020')),
    );
    assert.equal((await client.query('SELECT FROM audit.changes_default')).rowCount, 0);
    await assert.rejects(client.query('TRUNCATE audit.changes_default'), { code: '42501' });
    await change('2020-06-10', '4');
    await client.query(`INSERT INTO audit.changes_default (id, changed_at, table_schema, table_name, operation)
      OVERRIDING SYSTEM VALUE VALUES (1000, now() + interval '10 years', 'public', 'orders', 'truncate')`);
    assert.deepEqual(await prune(), [], 'a part of it is not past the period');
  });

  it('go beside writers, who do not wait behind the removal of what another holds', async () => {
    const [holder, writer] = [await open(), await open()];
    await holder.query('BEGIN; INSERT INTO orders VALUES (10)');
    const removal = prune();
    for (let id = 20; id < 60; id += 1) await writer.query('INSERT INTO orders VALUES ($1)', [id]);
    await holder.query('COMMIT');
    assert.deepEqual(
      (await removal).map(({ removed }) => removed),
      [true, true],
    );
    assert.equal((await client.query('SELECT FROM audit.changes')).rowCount, 42);
  });

  it('leave months ahead, which are made without waiting for a writer', async () => {
    const ahead = await partitions();
    const last = ahead.filter((name) => /^changes_2\d/.test(name)).at(-1);
    await client.query(`DROP TABLE audit.${last}`);
    const holder = await open();
    await holder.query('BEGIN; INSERT INTO orders VALUES (10)');
    await client.query('SELECT audit.ensure_partitions()');
    assert.deepEqual(await partitions(), ahead);
    await holder.query('ROLLBACK');
  });
});
