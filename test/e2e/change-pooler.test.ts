import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Client } from 'pg';
import { startPostgres, type TestPostgres } from '../support/postgres.js';
import { prepareItems } from '../support/row-changes.js';
import { complaintsOf, createServiceFolder, type Service, type ServiceFolder } from '../support/service.js';
import { startTransactionPooler, type TransactionPooler } from '../support/transaction-pooler.js';

const SERVER = `
const http = require('node:http');
const { Pool } = require('pg');
const { setActor, auditHealth } = require('otel-audit');
const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 5 });
const insert = 'INSERT INTO items (id, status) VALUES ($1, $2)';
const kinds = [
  (id) => pool.query(insert, [id, 'values']),
  (id) => pool.query("INSERT INTO items (id, status) VALUES (" + id + ", 'plain; text')"),
  (id) => pool.query({ text: 'INSERT INTO items (id) VALUES (' + id + ') RETURNING id', rowMode: 'array' }),
  async (id) => {
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query(insert, [id, 'transaction']);
    await client.query('SAVEPOINT one');
    await client.query('UPDATE items SET qty = 1 WHERE id = $1', [id]);
    await client.query('ROLLBACK TO SAVEPOINT one');
    await client.query('UPDATE items SET qty = 2 WHERE id = $1', [id]);
    await client.query('COMMIT');
    client.release();
  },
  async (id) => {
    await pool.query('INSERT INTO items (id) VALUES (1)').catch(() => {});
    await pool.query(insert, [id, 'after a failure']);
  },
];
const other = new Pool({ connectionString: process.env.DATABASE_URL, max: 1 });
let next = 1_000_000;
http.createServer(async (request, response) => {
  const [, kind, id] = request.url.split('/');
  if (kind === 'health') return response.end(JSON.stringify(auditHealth().changes));
  setActor('user-' + id);
  try {
    const row = kind === 'several' ? await pool.query("INSERT INTO items (id) VALUES (" + id + "); SELECT 1") : await kinds[Number(kind)](Number(id));
    response.end(JSON.stringify(row?.rows ?? null));
  } catch (error) {
    console.error(error);
    response.statusCode = 500;
    response.end();
  }
}).listen(0, '127.0.0.1', function () {
  console.log('listening on http://127.0.0.1:' + this.address().port);
  // Beside the requests, in the same shared session.
  process.on('message', () => other.query('INSERT INTO items (id) VALUES ($1)', [next++]).catch(console.error));
});
`;

for (const mode of ['auto', 'transaction']) {
  describe(`contexts through a pooler that shares sessions, AUDIT_PG_CONTEXT=${mode}`, { timeout: 600_000 }, () => {
    let postgres: TestPostgres;
    let pooler: TransactionPooler;
    let client: Client;
    let folder: ServiceFolder;
    let service: Service;
    before(async () => {
      postgres = await startPostgres();
      client = new Client({ connectionString: postgres.url });
      await client.connect();
      await prepareItems(client);
      pooler = await startTransactionPooler(postgres.url);
      folder = createServiceFolder({ 'server.cjs': SERVER }, ['pg']);
      service = await folder.start({ entry: 'server.cjs', env: { DATABASE_URL: pooler.url, AUDIT_PG_CONTEXT: mode } });
    });
    after(async () => {
      await service?.end();
      folder?.remove();
      await pooler?.stop();
      await client?.end();
      await postgres?.stop();
    });

    it('name the right actor of lone statements, transactions and after failures, and nobody beside them', async () => {
      const ids = Array.from({ length: 200 }, (_, index) => 1000 + index);
      const answers = await Promise.all(
        ids.map(async (id) => {
          service.process.send('alone');
          return (await fetch(`${service.url}/${id % 5}/${id}`)).status;
        }),
      );
      assert.deepEqual([...new Set(answers)], [200], service.stderr());
      const { rows } = await client.query<{ row_id: string; actor: string | null }>(
        `SELECT row_id, context::json -> 'actor' ->> 'id' AS actor FROM audit.changes WHERE row_id::int >= 1000`,
      );
      assert.deepEqual(
        rows.filter(({ row_id, actor }) => actor !== (Number(row_id) >= 1_000_000 ? null : `user-${row_id}`)),
        [],
      );
      assert.equal(new Set(rows.filter(({ row_id }) => Number(row_id) < 1_000_000).map(({ row_id }) => row_id)).size, 200);
      assert.ok(pooler.handovers() > 100);
    });

    it('change no result', async () => {
      assert.deepEqual(await (await fetch(`${service.url}/2/5002`)).json(), [[5002]]);
    });

    it('are left out where they cannot be carried, which is counted and said', async () => {
      assert.equal((await fetch(`${service.url}/several/5003`)).status, 200);
      const { rows } = await client.query("SELECT context FROM audit.changes WHERE row_id = '5003'");
      assert.deepEqual(rows, [{ context: null }]);
      const { withoutContext } = (await (await fetch(`${service.url}/health`)).json()) as { withoutContext: Record<string, number> };
      assert.deepEqual(Object.values(withoutContext), [1]);
      assert.match(complaintsOf(service), /the changes of some statements will name nobody: several statements/);
    });
  });
}
