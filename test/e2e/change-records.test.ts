import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Client } from 'pg';
import type { JournalledRecord } from '../../src/record.js';
import { runCli } from '../support/cli.js';
import { query, startPostgres, type TestPostgres } from '../support/postgres.js';
import { prepareItems } from '../support/row-changes.js';
import { complaintsOf, createServiceFolder, type Service, type ServiceFolder } from '../support/service.js';
import { until } from '../support/waiting.js';

const waitFor = (condition: () => boolean | Promise<boolean>, timeoutMs = 60_000): Promise<void> =>
  until('the records are there', condition, timeoutMs);

const SERVER = `
const http = require('node:http');
const { Pool } = require('pg');
const { setActor, setTenant } = require('otel-audit');
const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 2 });
pool.on('error', () => {});
http.createServer(async (request, response) => {
  const id = Number.parseInt(request.url.split('/')[2]);
  setActor({ id: 'user-' + id, email: id + "'@example.com" });
  setTenant('acme');
  try {
    if (id % 3 === 0) await pool.query('INSERT INTO items (id, note) VALUES ($1, $2)', [id, 'card 4111 1111 1111 1111']);
    else if (id % 3 === 1) await pool.query("INSERT INTO items (id, note) VALUES (" + id + ", 'plain; text')");
    else {
      const client = await pool.connect();
      await client.query('BEGIN');
      await client.query('INSERT INTO items (id) VALUES ($1)', [id]);
      await client.query('COMMIT');
      client.release();
    }
  } catch (error) {
    response.statusCode = 500;
    console.error(error);
  }
  response.end();
}).listen(0, '127.0.0.1', function () {
  console.log('listening on http://127.0.0.1:' + this.address().port);
  let next = 1_000_000;
  const alone = () => pool.query('INSERT INTO items (id) VALUES ($1)', [next++]).catch(() => {});
  process.on('message', () => alone());
});
`;

describe('records of row changes', { timeout: 600_000 }, () => {
  let postgres: TestPostgres;
  let client: Client;
  let folder: ServiceFolder;
  let service: Service;
  const start = async (env: Readonly<Record<string, string>> = {}): Promise<Service> =>
    folder.start({ entry: 'server.cjs', env: { DATABASE_URL: postgres.url, AUDIT_CHANGES_URL: postgres.url, ...env } });
  /** Without what the service did beside its requests, of which some is always on its way. */
  const changes = (): readonly JournalledRecord[] =>
    folder.records().filter(({ kind, target }) => kind === 'change' && Number(target?.id) < 1_000_000);
  before(async () => {
    postgres = await startPostgres();
    client = new Client({ connectionString: postgres.url });
    await client.connect();
    await prepareItems(client);
    folder = createServiceFolder({ 'server.cjs': SERVER }, ['pg']);
  });
  after(async () => {
    await service?.end();
    folder?.remove();
    await client?.end();
    await postgres?.stop();
  });

  it('carry the id, actor and tenant of the request they were made in, and are redacted', async () => {
    service = await start();
    await fetch(`${service.url}/items/300?token=x`, { method: 'PUT' });
    await waitFor(() => changes().length === 1);
    const [change] = changes();
    const request = folder.records().find(({ kind }) => kind === 'http');
    assert.equal(change?.refersTo, request?.id);
    assert.deepEqual(
      [change?.action, change?.actor.id, change?.actor.email, change?.actor.verified, change?.tenant, change?.target],
      ['items.inserted', 'user-300', "300'@example.com", true, { id: 'acme' }, { type: 'items', id: '300' }],
    );
    assert.deepEqual([change?.request?.method, change?.request?.path], ['PUT', '/items/300']);
    assert.equal(change?.trace?.traceId, request?.trace?.traceId);
    assert.deepEqual(change?.changes?.[0]?.['after'], { id: 300, status: 'new', qty: 0, price: null, note: 'card [REDACTED]' });
  });

  it('name the right actor for 1,000 concurrent requests on a pool of two, and nobody for work without a request', async () => {
    const ids = Array.from({ length: 1000 }, (_, index) => 1000 + index);
    const beside = setInterval(() => service.process.send('alone'), 5);
    const answers = await Promise.all(ids.map(async (id) => (await fetch(`${service.url}/items/${id}`)).status));
    clearInterval(beside);
    assert.deepEqual([...new Set(answers)], [200], service.stderr());
    const { rows } = await client.query<{ row_id: string; actor: string | null }>(
      `SELECT row_id, context::json -> 'actor' ->> 'id' AS actor FROM audit.changes WHERE row_id::int >= 1000`,
    );
    const wrong = rows.filter(({ row_id, actor }) => actor !== (Number(row_id) >= 1_000_000 ? null : `user-${row_id}`));
    assert.deepEqual(wrong, []);
    assert.ok(rows.length > 1000, 'nothing was done beside the requests');
    await waitFor(() => changes().length === 1001);
  });

  it('come once each, and none is passed over for a transaction that began earlier and ends later', async () => {
    const known = changes().length;
    await client.query('BEGIN; INSERT INTO items (id) VALUES (501)');
    await query(postgres.url, 'INSERT INTO items (id) VALUES (502)');
    await fetch(`${service.url}/items/503`);
    await client.query('COMMIT');
    await waitFor(() => changes().length >= known + 3);
    const late = changes().slice(known);
    assert.deepEqual(late.map(({ target }) => target?.id).sort(), ['501', '502', '503']);
    assert.equal(new Set(changes().map(({ id }) => id)).size, changes().length);
    assert.deepEqual(
      late.filter(({ target }) => target?.id !== '503').map(({ actor }) => [actor.id, actor.verified]),
      [
        ['unknown', false],
        ['unknown', false],
      ],
    );
  });

  it('leave nothing of what was rolled back', async () => {
    const known = changes().length;
    await query(postgres.url, 'BEGIN; INSERT INTO items (id) VALUES (601); ROLLBACK; INSERT INTO items (id) VALUES (602)');
    await waitFor(() => changes().length > known);
    assert.deepEqual(
      changes()
        .slice(known)
        .map(({ target }) => target?.id),
      ['602'],
    );
  });

  it('go on behind the last one after kill -9, once the other process has let go', async () => {
    const known = new Set(changes().map(({ id }) => id));
    await service.end('SIGKILL');
    await query(postgres.url, 'INSERT INTO items (id) VALUES (701), (702)');
    // As its lease would run out by itself.
    await client.query("UPDATE audit.relays SET held_until = '-infinity'");
    service = await start();
    const fresh = (): readonly JournalledRecord[] => changes().filter(({ id }) => !known.has(id));
    await waitFor(() => fresh().length >= 2);
    assert.deepEqual(
      fresh()
        .map(({ target }) => target?.id)
        .sort(),
      ['701', '702'],
    );
  });

  it('that are relayed again are told from the first ones, and the chain still verifies', async () => {
    await service.end();
    const trail = { AUDIT_EXPORTER: 'postgres', AUDIT_POSTGRES_URL: postgres.url, AUDIT_JOURNAL_DIR: 'journal' };
    service = await start(trail);
    await fetch(`${service.url}/items/801`);
    const count = async (what: string): Promise<number> => {
      const [row] = await query(postgres.url, `SELECT count(*)::int AS count FROM ${what}`).catch(() => [{ count: -1 }]);
      return Number(row?.['count']);
    };
    const stored = () => count("audit_logs WHERE kind = 'change'");
    const isAll = async (repeated: number): Promise<boolean> => (await count('audit.changes')) + repeated === (await stored());
    await waitFor(() => isAll(0), 60_000);
    // The cursor is lost: the last ones are relayed once more.
    await client.query(
      'UPDATE audit.relays SET (xact, id) = (SELECT xact, id FROM audit.changes ORDER BY changes.xact DESC, changes.id DESC OFFSET 20 LIMIT 1)',
    );
    await waitFor(() => isAll(20), 60_000);
    await fetch(`${service.url}/items/802`);
    await waitFor(() => isAll(20), 60_000);
    assert.equal(await count("audit_logs WHERE kind = 'change' AND metadata ->> 'mayRepeat' IS NOT NULL"), 20);
    assert.equal(await count("audit_row_changes JOIN audit_logs USING (id) WHERE kind = 'change'"), await count('audit.changes'));
    await service.end();
    const verified = await runCli(['verify'], trail);
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    const [joined] = await query(
      postgres.url,
      `SELECT actor, action, path, status_code, operation, is_complete FROM audit_row_changes WHERE table_name = 'items' AND row_id = '801'`,
    );
    assert.deepEqual(joined, {
      actor: "801'@example.com",
      action: 'item.accessed',
      path: '/items/801',
      status_code: 200,
      operation: 'insert',
      is_complete: true,
    });
  });

  it('wait in the database where it cannot be read, and the service goes on', async () => {
    await service.end();
    service = await start({ AUDIT_CHANGES_URL: 'postgres://nobody@127.0.0.1:1/none', AUDIT_FILE_DIR: 'elsewhere' });
    assert.equal((await fetch(`${service.url}/items/901`)).status, 200);
    await waitFor(() => /row changes wait in the database: .*ECONNREFUSED/.test(service.stderr()));
    assert.equal(folder.records('elsewhere').length, 1);
  });

  it('are not made with AUDIT_CAPTURE_ORM_DIFFS=false', async () => {
    await service.end();
    service = await start({ AUDIT_CAPTURE_ORM_DIFFS: 'false', AUDIT_FILE_DIR: 'off' });
    await fetch(`${service.url}/items/902`);
    const [row] = await query(postgres.url, "SELECT context FROM audit.changes WHERE row_id = '902'");
    assert.deepEqual(row, { context: null });
    assert.equal(complaintsOf(service), '');
  });

  it('are not needed for anything: where nothing is tracked, all goes on as ever', async () => {
    await service.end();
    await client.query('DROP SCHEMA audit CASCADE');
    await client.query('DROP TRIGGER IF EXISTS audit_insert ON items');
    service = await start({ AUDIT_CHANGES_URL: '', AUDIT_FILE_DIR: 'untracked' });
    assert.equal((await fetch(`${service.url}/items/903`)).status, 200);
    assert.equal(complaintsOf(service), '');
  });
});
