/** A service under load whose database is disturbed; everything it answered must be there once the database is well again, once. */

import assert from 'node:assert/strict';
import { Client } from 'pg';
import { emptySchema } from './audit-schema.js';
import { query, type TestPostgres } from './postgres.js';
import { startFlow } from './request-flow.js';
import { createServiceFolder } from './service.js';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';
import { until } from './waiting.js';

const SERVER = `
require('node:http').createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(201, { 'content-type': 'application/json' }).end('{"ok":true}'));
}).listen(0, '127.0.0.1', function () { console.log('listening on http://127.0.0.1:' + this.address().port); });
`;

export interface Disturbance {
  /** Between the service and the database. */
  readonly proxy: TcpProxy;
  readonly postgres: TestPostgres;
  /** To the schema, past the proxy. */
  readonly url: string;
  /** Waits until so many more requests are answered. */
  more(count: number): Promise<void>;
  /** To be done when all is over. */
  readonly defer: (close: () => Promise<void>) => void;
  /** Waits until more rows are there than now. */
  rowsGoOn(): Promise<void>;
}

export interface OutageProof {
  readonly answered: number;
  readonly stored: number;
  readonly warnings: string;
}

/** @throws if a record is missing or there twice */
export async function proveOutage(postgres: TestPostgres, disturb: (disturbance: Disturbance) => Promise<void>): Promise<OutageProof> {
  const proxy = await startTcpProxy(Number(new URL(postgres.url).port));
  const folder = createServiceFolder({ 'server.js': SERVER });
  const url = await emptySchema(postgres.url);
  const through = new URL(url);
  through.port = String(proxy.port);
  const env = { AUDIT_POSTGRES_URL: through.href, AUDIT_JOURNAL_DIR: 'journal', AUDIT_HEARTBEAT_MS: '0' };
  const service = await folder.start({ entry: 'server.js', env, isGuarded: false });
  const deferred = [proxy.close];
  try {
    const flow = startFlow(service.url, 'flow');
    await until('rows arrive', async () => (await countRows(url)) > 20, 60_000);
    const rowsGoOn = async (): Promise<void> => {
      const before = await countRows(url);
      await until('rows go on', async () => (await countRows(url)) > before, 60_000);
    };
    // In parts, each of which has its own deadline.
    const more = async (count: number): Promise<void> => {
      for (let left = count; left > 0; left -= 25) await flow.more(Math.min(left, 25));
    };
    await disturb({ proxy, postgres, url, more, rowsGoOn, defer: (close) => deferred.push(close) });
    await more(50);
    const answered = [...(await flow.stop())];
    await until('all is there', async () => (await countRows(url)) >= answered.length, 90_000);
    const stored = await rowsOf(url);
    assert.deepEqual([...stored].sort(), answered.sort(), 'each answered request is there exactly once');
    return { answered: answered.length, stored: stored.length, warnings: service.stderr() };
  } finally {
    await service.end('SIGKILL');
    for (const close of deferred) await close();
    folder.remove();
  }
}

export async function stopFor(seconds: number, { postgres, more }: Disturbance): Promise<void> {
  await postgres.stopServer();
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) await more(20);
  await postgres.startServer();
}

/** The server is reached by another port, as after a failover; the old one is gone. */
export async function failOver({ proxy, more, defer }: Disturbance): Promise<void> {
  const other = await startTcpProxy(proxy.upstream);
  defer(other.close);
  proxy.upstream = 1;
  proxy.cut();
  await more(100);
  proxy.upstream = other.port;
}

/** Connections are reset at any moment. */
export async function cutOften(times: number, { proxy, more, rowsGoOn }: Disturbance): Promise<void> {
  for (let nth = 0; nth < times; nth += 1) {
    await more(1 + ((nth * 7) % 23));
    proxy.cut();
  }
  await rowsGoOn();
}

/** The server commits, and its word never arrives. */
export async function loseAnswers(times: number, { proxy, rowsGoOn }: Disturbance): Promise<void> {
  for (let nth = 0; nth < times; nth += 1) {
    let isLost = false;
    proxy.deafTo = (answer) => {
      const isCommit = answer.includes('COPY ') || answer.includes('INSERT 0');
      isLost ||= isCommit;
      return isCommit;
    };
    await until('an answer is lost', () => isLost, 60_000);
    proxy.deafTo = () => false;
    proxy.cut();
  }
  await rowsGoOn();
}

/** Every batch takes the server longer than a statement may. */
export async function slowUntil(condition: () => Promise<void>, { url, rowsGoOn }: Disturbance): Promise<void> {
  await query(url, SLOW);
  await condition();
  await query(url, 'DROP TRIGGER disk_slow ON audit_logs');
  await rowsGoOn();
}

/** Every statement waits in vain while somebody else has locked the table. */
export async function lockUntil(condition: () => Promise<void>, { url, rowsGoOn }: Disturbance): Promise<void> {
  const locker = new Client({ connectionString: url });
  await locker.connect();
  await locker.query('BEGIN; LOCK TABLE audit_logs IN ACCESS EXCLUSIVE MODE');
  await condition();
  await locker.query('ROLLBACK');
  await locker.end();
  await rowsGoOn();
}

/** The database says that its disk is full, SQLSTATE 53100. */
export async function fillDisk(requests: number, { url, more, rowsGoOn }: Disturbance): Promise<void> {
  await query(url, FULL);
  await more(requests);
  await query(url, 'DROP TRIGGER disk_full ON audit_logs');
  await rowsGoOn();
}

const FULL = `CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER disk_full BEFORE INSERT ON audit_logs FOR EACH STATEMENT EXECUTE FUNCTION disk_full()`;

const SLOW = `CREATE FUNCTION disk_slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$;
CREATE TRIGGER disk_slow BEFORE INSERT ON audit_logs FOR EACH STATEMENT EXECUTE FUNCTION disk_slow()`;

async function rowsOf(url: string): Promise<readonly string[]> {
  const rows = await query(url, "SELECT request_id FROM audit_logs WHERE kind = 'http'");
  return rows.map(({ request_id }) => String(request_id));
}

/** 0 also while there is no table, or no server. */
async function countRows(url: string): Promise<number> {
  const [row] = await query(url, "SELECT count(*) AS rows FROM audit_logs WHERE kind = 'http'").catch(() => []);
  return Number(row?.['rows'] ?? 0);
}
