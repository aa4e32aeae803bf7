/** One suite for every driver and ORM: each operation as a request of an audited service, against snapshots of the whole table. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { installFixture } from './fixtures.js';
import { startPostgres, type TestPostgres } from './postgres.js';
import { differenceOf, prepareItems, recordedSince, snapshot } from './row-changes.js';
import { complaintsOf, createServiceFolder, ROOT, type Service, type ServiceFolder } from './service.js';

export const OPERATIONS = ['save', 'bulk', 'upsert', 'increment', 'raw', 'savepoint', 'rollback', 'remove'] as const;

/** `GET /<operation>` runs it, as the actor of that name; `GET /alone/<operation>` starts it outside of any request. */
const SERVER = `
const http = require('node:http');
const { AsyncResource } = require('node:async_hooks');
const { setActor } = require('otel-audit');
const outside = new AsyncResource('outside');
(async () => {
  const operations = await require('./operations.cjs').open(process.env.DATABASE_URL);
  const server = http.createServer(async (request, response) => {
    const [, first, second] = request.url.split('/');
    setActor('user-' + (second ?? first));
    try {
      await (second === undefined ? operations[first]() : outside.runInAsyncScope(async () => { await operations[second](); }));
    } catch (error) {
      console.error(error);
      response.statusCode = 500;
    }
    response.end();
  });
  server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));
})();
`;

export interface OrmCase {
  /** Of the folder below test/fixtures/orms. */
  readonly name: string;
  /** Its packages are those of this repository. */
  readonly isOwn?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** What the operations file is called with, instead of the tested database. */
  readonly title?: string;
}

export function describeOrm({ name, isOwn = false, env = {}, title = name }: OrmCase): void {
  describe(`row changes made with ${title}`, { timeout: 600_000 }, () => {
    let postgres: TestPostgres;
    let client: Client;
    let folder: ServiceFolder;
    let service: Service;
    let lastId = '0';
    before(async () => {
      postgres = await startPostgres();
      client = new Client({ connectionString: postgres.url });
      await client.connect();
      await prepareItems(client);
      ({ folder, service } = await startOrmService({ name, isOwn, url: postgres.url, env }));
    });
    after(async () => {
      await service?.end();
      folder?.remove();
      await client?.end();
      await postgres?.stop();
    });

    for (const operation of OPERATIONS) {
      it(`${operation}: are exactly the difference, and carry their request's actor`, async () => {
        const earlier = await snapshot(client);
        const response = await fetch(`${service.url}/${operation}`);
        assert.equal(response.status, 200, service.stderr());
        const recorded = await recordedSince(client, lastId);
        const difference = differenceOf(earlier, await snapshot(client));
        assert.deepEqual(recorded.difference, difference);
        assert.deepEqual(recorded.actors, operation === 'rollback' ? [] : [`user-${operation}`]);
        assert.equal(difference.length === 0, operation === 'rollback');
        lastId = recorded.lastId;
      });
    }

    it('carry nobody outside of a request', async () => {
      const response = await fetch(`${service.url}/alone/increment`);
      assert.equal(response.status, 200, service.stderr());
      const recorded = await recordedSince(client, lastId);
      assert.deepEqual(recorded.actors, [null]);
    });

    it('leave nothing to complain about', () => {
      assert.equal(complaintsOf(service), '');
    });
  });
}

/** The fixture's operations behind a server: `GET /save`. */
export async function startOrmService({
  name,
  url,
  isOwn = false,
  env = {},
}: Omit<OrmCase, 'title'> & { readonly url: string }): Promise<{ readonly folder: ServiceFolder; readonly service: Service }> {
  const operations = readFileSync(path.join(ROOT, 'test/fixtures/orms', name, 'operations.cjs'), 'utf8');
  const files = { 'server.cjs': SERVER, 'operations.cjs': operations };
  const folder = isOwn ? createServiceFolder(files, ['pg', 'postgres']) : createServiceFolder(files, [], await installOrm(name));
  return { folder, service: await folder.start({ entry: 'server.cjs', env: { DATABASE_URL: url, ...env } }) };
}

/** Prisma's client is generated; for that alone it needs no engine, which it would otherwise fetch from its own server. */
async function installOrm(name: string): Promise<string> {
  const directory = await installFixture(`orms/${name}`);
  if (name === 'prisma' && !existsSync(path.join(directory, 'node_modules/.prisma/client/schema.prisma'))) {
    const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' };
    await promisify(execFile)('node_modules/.bin/prisma', ['generate'], { cwd: directory, env, timeout: 120_000 });
  }
  return directory;
}
