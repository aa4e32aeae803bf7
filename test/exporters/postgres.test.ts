/** The Postgres exporter on a real server: the contract, and what can happen to a batch on its way. */

import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { Client } from 'pg';
import { createPostgresExporter, createTables } from '../../exporters/postgres/index.js';
import type { Acknowledgement, AuditExporter } from '../../src/exporter.js';
import type { AuditRecord } from '../../src/record.js';
import { exporterContract } from '../../src/testing/exporter-contract.js';
import { chained, exampleRecord, exampleRecords, verifies } from '../../src/testing/records.js';
import { emptySchema, newRole, readTrail } from '../support/audit-schema.js';
import { query, startPostgres, type TestPostgres } from '../support/postgres.js';
import { startTcpProxy } from '../support/tcp-proxy.js';

let server: TestPostgres;
before(async () => {
  server = await startPostgres();
  console.log(`PostgreSQL ${server.version} (${server.source})`);
});
after(() => server?.stop());

exporterContract('postgres', {
  create: async () => {
    const url = await emptySchema(server.url);
    return { exporter: createPostgresExporter({ url }), read: () => readTrail(url) };
  },
  createStalled: async () => {
    const proxy = await proxied();
    proxy.deafTo = () => true;
    return { exporter: createPostgresExporter({ url: through(proxy.port, server.url) }), close: proxy.close };
  },
  duplicates: 'once',
  poison: (record) => ({ ...record, action: `${record.action} \0` }),
});

const UNSTORABLE: Readonly<Record<string, Partial<AuditRecord>>> = {
  'an id that is none': { id: 's3cret' },
  'a time that is none': { time: 's3cret' },
  'a lone surrogate': { action: 's3cret \ud800' },
  'a key that no index takes': { actor: { id: incompressible('s3cret', 12_000), type: 'user', verified: false } },
};

describe('postgres', () => {
  it('stores a batch once when the answer to its INSERT was lost', async (t) => {
    const proxy = await proxied(t);
    const url = await emptySchema(server.url);
    const exporter = opened(t, through(proxy.port, url));
    const first = exampleRecords(1);
    await exporter.export(first, deadline());
    const records = [...first, ...exampleRecords(50)];

    proxy.deafTo = (answer) => answer.includes('INSERT 0 50');
    const lost = exporter.export(records, deadline());
    await until(async () => (await readTrail(url)).length === 51);
    proxy.cut();
    assert.deepEqual(statuses(await lost), ['retry']);

    proxy.deafTo = () => false;
    assert.deepEqual(statuses(await exporter.export(records, deadline())), ['delivered']);
    assert.equal((await readTrail(url)).length, 51);
  });

  it('goes on when the server was stopped and started', async (t) => {
    if (server.source === 'url') return t.skip('AUDIT_TEST_POSTGRES_URL names a server that is not ours to stop');
    const url = await emptySchema(server.url);
    const exporter = opened(t, url);
    const records = exampleRecords(3);
    await exporter.export(records.slice(0, 1), deadline());
    await server.stopServer();
    const down = await exporter.export(records, deadline());
    assert.deepEqual(statuses(down), ['retry']);
    assert.match(reasons(down), /ECONNREFUSED|connection|ECONNRESET|database failed/);
    await server.startServer();
    assert.deepEqual(statuses(await exporter.export(records, deadline())), ['delivered']);
    assert.deepEqual(await readTrail(url), records);
  });

  it('shuts down when the server no longer answers', async (t) => {
    const proxy = await proxied(t);
    const exporter = createPostgresExporter({ url: through(proxy.port, await emptySchema(server.url)) });
    await exporter.export(exampleRecords(1), deadline());
    proxy.cut();
    await exporter.shutdown();
  });

  it('gives up on a locked table at the deadline, and delivers when it is free', async (t) => {
    const url = await emptySchema(server.url);
    const exporter = opened(t, url);
    await createTables(url);
    const locker = new Client({ connectionString: url });
    await locker.connect();
    t.after(() => locker.end());
    await locker.query('BEGIN; LOCK TABLE audit_logs');
    const records = exampleRecords(2);
    const late = await exporter.export(records, AbortSignal.timeout(300));
    assert.deepEqual(
      late,
      late.map(() => ({ status: 'retry', reason: 'the deadline passed' })),
    );
    await locker.query('ROLLBACK');
    assert.deepEqual(statuses(await exporter.export(records, deadline())), ['delivered']);
    assert.equal((await readTrail(url)).length, 2);
  });

  it('has the server give up before the deadline does', async (t) => {
    const url = await emptySchema(server.url);
    await createTables(url);
    const exporter = createPostgresExporter({ url, statementTimeoutMs: 100 });
    t.after(() => exporter.shutdown());
    await exporter.export(exampleRecords(1), deadline());
    const locker = new Client({ connectionString: url });
    await locker.connect();
    t.after(() => locker.end());
    await locker.query('BEGIN; LOCK TABLE audit_logs');
    assert.match(reasons(await exporter.export(exampleRecords(1), deadline())), /took too long \(57014\)/);
  });

  it('connects through a pooler that takes no statement timeout', async (t) => {
    const proxy = await proxied(t);
    proxy.refusal = (packet) => (packet.includes('statement_timeout') ? errorPacket('08P01') : undefined);
    const url = await emptySchema(server.url);
    const exporter = opened(t, through(proxy.port, url));
    assert.deepEqual(statuses(await exporter.export(exampleRecords(2), deadline())), ['delivered']);
  });

  it('keeps the record when its body is not the JSON it claims to be', async (t) => {
    const url = await emptySchema(server.url);
    const exporter = opened(t, url);
    const bodies = ['{"cut": "of', '', '{"a":"\\u0000"}', '["\\ud800"]', '{"ok": true}'];
    const records = chained(bodies.map((body, n) => exampleRecord(n, { request: { id: 'r', body, bodyFormat: 'json' } })));
    assert.deepEqual(statuses(await exporter.export(records, deadline())), ['delivered']);
    const stored = await readTrail(url);
    assert.deepEqual(stored, records);
    assert.ok(stored.every(verifies));
    const queried = await query(url, "SELECT request_body->>'ok' AS ok FROM audit_logs WHERE request_body ->> 'ok' IS NOT NULL");
    assert.deepEqual(queried, [{ ok: 'true' }]);
  });

  it('stores what all records of a batch have, one of them has, and none has', async (t) => {
    const url = await emptySchema(server.url);
    const exporter = opened(t, url);
    const one = exampleRecord(1);
    const alike = [1, 2, 3].map(() => ({ ...one, id: exampleRecord().id }));
    const tenants = ['a', 'a', undefined].map((id) => ({
      ...alike[0],
      ...one,
      id: exampleRecord().id,
      tenant: id === undefined ? undefined : { id },
    }));
    const failed = [undefined, undefined, { type: 'Error', message: 'late' }].map((error) => ({ ...one, id: exampleRecord().id, error }));
    for (const batch of [alike, tenants, failed, [one]]) {
      const records = chained(batch);
      assert.deepEqual(statuses(await exporter.export(records, deadline())), ['delivered']);
      const ids = new Set(records.map(({ id }) => id));
      const stored = (await readTrail(url)).filter(({ id }) => ids.has(id));
      assert.deepEqual(stored, JSON.parse(JSON.stringify(records)));
    }
    // Twice the same one, and nothing else.
    const [again] = chained([exampleRecord(2)]);
    assert.deepEqual(statuses(await exporter.export(again === undefined ? [] : [again, again], deadline())), ['delivered']);
    assert.equal((await readTrail(url)).filter(({ id }) => id === again?.id).length, 1);
  });

  it('splits a batch that is too large for one statement', async (t) => {
    const url = await emptySchema(server.url);
    const exporter = opened(t, url);
    const response = { body: 'b'.repeat(3_000_000), bodyFormat: 'text' as const };
    const records = exampleRecords(7, { response });
    assert.deepEqual(statuses(await exporter.export(records, deadline())), ['delivered']);
    assert.deepEqual(
      (await readTrail(url)).map(({ id }) => id),
      records.map(({ id }) => id),
    );
  });

  for (const [what, overrides] of Object.entries(UNSTORABLE)) {
    it(`rejects ${what} without quoting it`, async (t) => {
      const exporter = opened(t, await emptySchema(server.url));
      const [good] = exampleRecords(1);
      const [bad] = chained([exampleRecord(1, overrides)]);
      assert.ok(good && bad);
      const [first, second] = await exporter.export([good, bad], deadline());
      assert.equal(first?.status, 'delivered');
      assert.equal(second?.status, 'rejected');
      assert.doesNotMatch(second.reason, /s3cret/);
    });
  }

  it('names no password when it cannot connect', async (t) => {
    for (const url of ['postgres://u:s3cret@127.0.0.1:1/d', through(1, server.url).replace('postgres@', 'postgres:s3cret@')]) {
      const answers = await opened(t, url).export(exampleRecords(1), deadline());
      assert.deepEqual(statuses(answers), ['retry']);
      assert.match(reasons(answers), /nobody listens there \(ECONNREFUSED\)/);
    }
    for (const url of ['s3cret', 'http://u:s3cret@h/d', 'postgres://u:s3cret@h:port/d', '']) {
      assert.throws(
        () => createPostgresExporter({ url }),
        (error: Error) => /ERR_AUDIT_EXPORTER/.test(Object(error).code) && !/s3cret/.test(error.message),
      );
    }
  });

  it('says retry to a server that only reads', async (t) => {
    const url = await emptySchema(server.url);
    await createTables(url);
    const { role, url: writer } = await newRole(url);
    await query(url, `GRANT INSERT ON audit_logs TO ${role}; ALTER ROLE ${role} SET default_transaction_read_only = on`);
    assert.match(reasons(await opened(t, writer).export(exampleRecords(1), deadline())), /read-only \(25006\)/);
  });
});

function incompressible(start: string, length: number): string {
  let state = 1;
  let text = start;
  while (text.length < length) {
    state = (state * 48_271) % 2_147_483_647;
    text += state.toString(36);
  }
  return text;
}

async function proxied(t?: TestContext) {
  const proxy = await startTcpProxy(Number(new URL(server.url).port || 5432));
  t?.after(proxy.close);
  return proxy;
}

function through(port: number, url: string): string {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href;
}

function opened(t: TestContext, url: string): AuditExporter {
  const exporter = createPostgresExporter({ url });
  t.after(() => exporter.shutdown());
  return exporter;
}

/** An error as the server sends it. */
function errorPacket(code: string): Buffer {
  const fields = Buffer.from(`SFATAL\0C${code}\0Mrefused\0\0`);
  const packet = Buffer.alloc(5 + fields.length, 'E');
  packet.writeInt32BE(4 + fields.length, 1);
  fields.copy(packet, 5);
  return packet;
}

async function until(isDone: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await isDone())) assert.ok(Date.now() < end, 'waited 20 s in vain');
}

function deadline(): AbortSignal {
  return AbortSignal.timeout(60_000);
}

function statuses(answers: readonly Acknowledgement[]): readonly string[] {
  return [...new Set(answers.map(({ status }) => status))];
}

function reasons(answers: readonly Acknowledgement[]): string {
  return answers.map((answer) => ('reason' in answer ? answer.reason : '')).join('\n');
}
