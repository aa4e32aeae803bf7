import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { encodeContext } from '../../src/changes/change-context.js';
import type { JournalledRecord } from '../../src/record.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';
import { ROOT } from '../support/service.js';
import { TLS } from '../support/tls.js';
import { makeDirectory } from '../support/waiting.js';

const REQUEST = {
  id: '01234567-89ab-7cde-8f01-23456789abcd',
  service: 'shop',
  requestId: 'r-1',
  actor: { id: 'u-1', type: 'user', email: 'ada@acme.example', source: 'jwt', verified: true },
  tenant: { slug: 'acme' },
  method: 'PATCH',
  path: '/orders/42',
} as const;

describe('the commands about row changes', { timeout: 600_000 }, () => {
  let postgres: TestPostgres;
  let client: Client;
  const run = (...args: readonly string[]) => runWith({}, ...args);
  const runWith = async (
    own: Readonly<Record<string, string>>,
    ...args: readonly string[]
  ): Promise<{ readonly status: number; readonly text: string }> => {
    const env = { ...process.env, AUDIT_CHANGES_URL: postgres.url, NODE_OPTIONS: '', ...own };
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [path.join(ROOT, 'dist/src/cli/main.js'), ...args], { env });
      return { status: 0, text: stdout };
    } catch (error) {
      const { code, stdout, stderr } = error as { readonly code: number; readonly stdout: string; readonly stderr: string };
      return { status: code, text: stdout + stderr };
    }
  };
  before(async () => {
    postgres = await startPostgres();
    client = new Client({ connectionString: postgres.url });
    await client.connect();
    await client.query('CREATE TABLE orders (id int PRIMARY KEY, status text, note text)');
    await client.query('CREATE TABLE users (id int PRIMARY KEY, password_hash text, phone text)');
  });
  after(async () => {
    await client?.end();
    await postgres?.stop();
  });

  it('say what is wrong and change nothing', async () => {
    assert.match((await run('tracked')).text, /no table is tracked/);
    assert.match((await run('history', 'orders', '42')).text, /nothing is tracked there; run `otel-audit track`/);
    assert.deepEqual([(await run('track', 'nope')).status, (await run('track', 'orders', '--mask', 'nte')).status], [1, 1]);
    const refused = await run('track', 'orders', '--url', 'postgres://postgres:hunter2@127.0.0.1:1/none');
    assert.equal(refused.status, 1);
    assert.match(refused.text, /ECONNREFUSED/);
    assert.doesNotMatch(refused.text, /hunter2/);
  });

  it('trust the certificates that the trail trusts, and no other', async () => {
    const secured = await startPostgres({ tls: true });
    try {
      const url = `${secured.url}?sslmode=require`;
      assert.match((await run('tracked', '--url', url)).text, /nobody trusted signed the server's certificate/);
      assert.match((await runWith({ AUDIT_POSTGRES_CA: String(TLS.cert) }, 'tracked', '--url', url)).text, /no table is tracked/);
    } finally {
      await secured.stop();
    }
  });

  it('print SQL that does the same', async () => {
    const { text } = await run('track', 'public.users', '--print');
    assert.match((await run('tracked')).text, /no table is tracked/);
    await client.query(text);
    assert.match((await run('tracked')).text, /^public\.users: tracked since .*, masked: password_hash\n$/);
  });

  it('track, and tell of columns that came later', async () => {
    const { text } = await run('track', 'public.orders,users', '--exclude', 'orders.note', '--mask', 'phone');
    assert.equal(text, 'public.orders: tracked, excluded: note\npublic.users: tracked, masked: password_hash, phone\n');
    await client.query('ALTER TABLE users ADD nick text; ALTER TABLE orders DISABLE TRIGGER audit_update');
    const status = await run('tracked');
    assert.equal(status.status, 1);
    assert.match(status.text, /public\.orders: NOT WELL .*nothing of them is recorded: audit_update/);
    assert.match(status.text, /public\.users: NOT WELL .*run again: nick/);
    await run('track', 'orders,users', '--exclude', 'orders.note');
    assert.equal((await run('tracked')).status, 0);
  });

  it('tell the life of a row, through changes of its key, with actor and request', async () => {
    await client.query("INSERT INTO orders VALUES (7, 'new', 'private')");
    await client.query("SELECT set_config('audit.context', $1, false)", [encodeContext(REQUEST)]);
    await client.query("UPDATE orders SET id = 42, status = 'paid'");
    await client.query("SELECT set_config('audit.context', 'garbage', false)");
    await client.query("UPDATE orders SET status = 'card 4111 1111 1111 1111'");
    const { text } = await run('history', 'public.orders', '42');
    assert.match(
      text.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'T'),
      new RegExp(
        [
          'T {2}nobody known .*',
          ' {2}public\\.orders 7 insert',
          ' {4}\\+ id {6}7',
          ' {4}\\+ status {2}new',
          `T {2}ada@acme\\.example {2}\\(acme\\) {2}PATCH /orders/42 {2}record ${REQUEST.id}`,
          ' {2}public\\.orders 7 → 42 update',
          ' {4}~ id {6}7 → 42',
          ' {4}~ status {2}new → paid',
          'T {2}nobody known .*',
          ' {2}public\\.orders 42 update',
          ' {4}~ status {2}paid → card \\[REDACTED\\]',
          '$',
        ].join('\n'),
      ),
    );
    assert.equal((await run('history', 'orders', '99')).status, 1);
  });

  it('blame who changed a field last', async () => {
    assert.match(
      (await run('blame', 'orders', '42', 'id')).text,
      /ada@acme\.example.*\n {2}public\.orders 7 → 42 update\n {4}~ id {2}7 → 42\n$/,
    );
    assert.match((await run('blame', 'orders', '42', 'status')).text, /nobody known/);
    assert.equal((await run('blame', 'orders', '42', 'note')).status, 1);
  });

  it('are recorded where reading is', async () => {
    const directory = makeDirectory();
    const env = { AUDIT_RECORD_READING: 'true', AUDIT_EXPORTER: 'file', AUDIT_FILE_DIR: directory };
    for (const words of [
      ['history', 'orders', '42'],
      ['blame', 'orders', '42', 'status'],
    ])
      assert.equal((await runWith(env, ...words)).status, 0);
    const { text } = await run('query', directory, '--action', 'audit.read', '--format', 'json');
    const read = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as JournalledRecord);
    assert.deepEqual(
      read.map(({ metadata }) => metadata),
      [
        { command: 'blame', filter: { table: 'orders', row: '42', column: 'status' } },
        { command: 'history', filter: { table: 'orders', row: '42' } },
      ],
    );
    assert.ok(postgres.url.includes(read[0]?.target?.id?.slice('postgres://'.length) ?? '?'));
  });

  it('prune what is past its period, unless a hold of the trail covers it', async () => {
    await client.query(`CREATE TABLE audit.changes_2020_01 PARTITION OF audit.changes FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
      INSERT INTO audit.changes (changed_at, table_schema, table_name, operation, row_id) VALUES ('2020-01-10', 'public', 'orders', 'delete', '7')`);
    assert.match((await run('prune-changes')).text, /--keep/);
    assert.match((await run('prune-changes', '--keep', 'long')).text, /must be a period such as 400d/);
    assert.match((await run('prune-changes', '--keep', '90d')).text, /would remove 1 changes\n1 changes; nothing was changed/);
    assert.equal((await run('migrate', '--url', postgres.url)).status, 0);
    await run('hold', 'add', 'case 1', '--target', 'orders/7', '--url', postgres.url);
    const held = await run('prune-changes', '--keep', '90d', '--apply', '--trail', postgres.url);
    assert.match(held.text, /changes_2020_01: 1 changes stay: 1 are under legal hold/);
    const unknown = await run('prune-changes', '--keep', '90d', '--apply', '--trail', 'postgres://postgres@127.0.0.1:1/none');
    assert.deepEqual([unknown.status, /the holds cannot be read/.test(unknown.text)], [1, true]);
    await run('hold', 'release', '1', 'closed', '--url', postgres.url);
    assert.match((await run('prune-changes', '--keep', '90d', '--apply', '--trail', postgres.url)).text, /removed 1 changes\n/);
    assert.match((await run('prune-changes', '--keep', '90d')).text, /nothing is past its period/);
    const { rows } = await client.query(
      'SELECT action, target_id, metadata FROM audit_logs WHERE target_type = $1 ORDER BY occurred_at, id',
      ['audit.changes'],
    );
    assert.deepEqual(
      rows.map(({ action, metadata }) => [action, metadata.keep, metadata.removed]),
      [
        ['audit.pruning', '90 days', undefined],
        ['audit.pruned', '90 days', 0],
        ['audit.pruning', '90 days', undefined],
        ['audit.pruned', '90 days', 1],
      ],
    );
    assert.equal(new URL(`postgres://${postgres.url.split('@')[1]}`).href, rows[0].target_id);
  });

  it('untrack, and keep what was recorded', async () => {
    await run('untrack', 'orders');
    await client.query("UPDATE orders SET status = 'unseen'");
    const { text } = await run('history', 'orders', '42');
    assert.match(text, /paid/);
    assert.doesNotMatch(text, /unseen/);
  });
});
