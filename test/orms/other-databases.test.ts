/** The adapters where there are no triggers of ours: what they tell, against the whole table before and after. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { JsonObject } from '../../src/record.js';
import { fixtureSource, installFixture } from '../support/fixtures.js';
import { findMysql, startMysql, type TestMysql } from '../support/mysql.js';
import type { Row } from '../support/row-changes.js';
import { complaintsOf, createServiceFolder, type Service, type ServiceFolder } from '../support/service.js';
import { assertTold, type Rows, rowsOf } from '../support/told-changes.js';
import { until } from '../support/waiting.js';

const OPERATIONS = ['save', 'bulk', 'upsert', 'increment', 'raw', 'savepoint', 'remove'] as const;

/** `GET /sql` with a statement in a header; else `GET /<operation>`. */
const SERVER = `
const http = require('node:http');
(async () => {
  const operations = await require('./operations.cjs').open(process.env.KIND, process.env.DATABASE_URL);
  const server = http.createServer(async (request, response) => {
    try {
      const name = request.url.slice(1);
      const result = await operations[name](request.headers.statement);
      response.end(name === 'sql' ? JSON.stringify(result ?? null) : '');
    } catch (error) {
      console.error(error);
      response.statusCode = 500;
      response.end();
    }
  });
  server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));
})();
`;

const ITEMS = `CREATE TABLE items (id integer PRIMARY KEY, status varchar(100) NOT NULL DEFAULT 'new', qty integer NOT NULL DEFAULT 0,
  price decimal(10, 2), note varchar(100))`.replace(/\s+/g, ' ');
const NOTES = `CREATE TABLE notes (id integer PRIMARY KEY, text varchar(100), version integer NOT NULL DEFAULT 1,
  updated datetime(6) DEFAULT CURRENT_TIMESTAMP(6))`.replace(/\s+/g, ' ');
const SEED = `INSERT INTO items VALUES ${Array.from({ length: 20 }, (_, index) => `(${index + 1}, 'new', ${index + 1}, 1.5, 'note')`)}`;

const mysqlServer = findMysql();

for (const kind of ['sqlite', 'mysql'] as const) {
  for (const name of ['typeorm', 'sequelize', 'drizzle', 'prisma']) {
    const skip = kind === 'mysql' && mysqlServer === undefined ? 'neither mariadbd nor mysqld is installed here' : false;
    describe(`the adapter for ${name} on ${kind}`, { timeout: 900_000, skip }, () => {
      let mysql: TestMysql | undefined;
      let folder: ServiceFolder;
      let service: Service;
      const sql = async (statement: string): Promise<unknown> => {
        const response = await fetch(`${service.url}/sql`, { headers: { statement } });
        assert.equal(response.status, 200, service.stderr());
        return response.json();
      };
      const snapshot = async (table = 'items'): Promise<Rows> =>
        rowsOf((await sql(`SELECT * FROM ${table} ORDER BY id`)) as readonly Row[]);
      const told = async (operation: string): Promise<readonly JsonObject[]> => {
        const response = await fetch(`${service.url}/${operation}`);
        assert.equal(response.status, 200, service.stderr());
        const found = () => folder.records().find(({ request }) => request?.path === `/${operation}`);
        await until(`${operation} is recorded`, () => found() !== undefined, 60_000);
        return found()?.changes ?? [];
      };
      before(async () => {
        mysql = kind === 'mysql' && mysqlServer !== undefined ? await startMysql(mysqlServer) : undefined;
        const files = { 'server.cjs': SERVER, 'operations.cjs': fixtureSource(`adapters/${name}`, 'operations.cjs') };
        folder = createServiceFolder(files, [], await installFixture(`adapters/${name}`));
        service = await folder.start({ entry: 'server.cjs', env: { KIND: kind, DATABASE_URL: mysql?.url ?? '' } });
        await sql(ITEMS);
        await sql(kind === 'mysql' ? NOTES : NOTES.replaceAll('(6)', ''));
        await sql(SEED);
      });
      after(async () => {
        await service?.end();
        folder?.remove();
        await mysql?.stop();
      });

      for (const operation of OPERATIONS) {
        it(`${operation}: is told exactly, or said to be told in part`, async () => {
          const earlier = await snapshot();
          const changes = await told(operation);
          const later = await snapshot();
          assert.notDeepEqual(later, earlier, 'nothing was done');
          assertTold(changes, earlier, later);
        });
      }

      if (name === 'typeorm' || name === 'sequelize') {
        it('tells columns that are filled on the way', async () => {
          const changes = await told('filled');
          const later = await snapshot('notes');
          assertTold(changes, new Map(), later);
          const [, update] = changes;
          assert.equal(update?.['complete'], true, JSON.stringify(update));
          assert.deepEqual(Object.keys(update?.['after'] as JsonObject).sort(), ['text', 'updated', 'version']);
        });
      }

      it('tells nothing of what is rolled back', async () => {
        const earlier = await snapshot();
        assert.deepEqual(await told('rollback'), []);
        assert.deepEqual(await snapshot(), earlier);
      });

      it('leaves nothing to complain about', () => {
        assert.equal(complaintsOf(service), '');
      });
    });
  }
}
