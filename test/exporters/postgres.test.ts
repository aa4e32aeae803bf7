/** The Postgres exporter on a real server: the contract, and what only a database can do to it. */

import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { after, before } from 'node:test';
import { createPostgresExporter, fromRow, SELECT_LIST } from '../../exporters/postgres/index.js';
import { query, startPostgres, type TestPostgres } from '../support/postgres.js';
import { exporterContract } from './contract.js';

let server: TestPostgres;
before(async () => {
  server = await startPostgres();
  console.log(`PostgreSQL ${server.version} (${server.source})`);
});
after(() => server?.stop());

let schemas = 0;

/** The URL of an empty schema. */
async function emptySchema(): Promise<string> {
  schemas += 1;
  const name = `audit_${schemas}`;
  await query(server.url, `CREATE SCHEMA ${name}`);
  const url = new URL(server.url);
  url.searchParams.set('options', `-c search_path=${name}`);
  return url.href;
}

exporterContract('postgres', {
  create: async () => {
    const url = await emptySchema();
    return {
      exporter: createPostgresExporter({ url }),
      read: async () => {
        const [found] = await query(url, "SELECT to_regclass('audit_logs') IS NOT NULL AS found");
        return found?.found === true ? (await query(url, `SELECT ${SELECT_LIST} FROM audit_logs`)).map(fromRow) : [];
      },
    };
  },
  createStalled: async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    return {
      exporter: createPostgresExporter({ url: `postgres://u@127.0.0.1:${port}/d` }),
      close: async () => {
        for (const socket of sockets) socket.destroy();
        silent.close();
        await once(silent, 'close');
      },
    };
  },
  duplicates: 'once',
  poison: (record) => ({ ...record, action: `${record.action} \0` }),
});
