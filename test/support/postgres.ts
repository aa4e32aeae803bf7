/** Starts a real PostgreSQL for tests and demos: `AUDIT_TEST_POSTGRES_URL`, a local installation, or the npm binaries. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { freePort } from './free-port.js';
import { type Binaries, findBinaries } from './postgres-binaries.js';
import { ROOT } from './service.js';

export interface TestPostgres {
  /** Of an empty database that this process owns, as a superuser of it. */
  readonly url: string;
  /** `15.18` */
  readonly version: string;
  readonly source: 'url' | 'local' | 'embedded';
  /** Stops the server and removes its data; drops the database if the server is somebody else's. Never fails. */
  stop(): Promise<void>;
  /** Stops the server, keeping data and port. @throws if the server is somebody else's. */
  stopServer(): Promise<void>;
  startServer(): Promise<void>;
}

/** PostgreSQL refuses to run as root; this is `nobody`, which needs no account to be made. */
const UNPRIVILEGED = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

/** Ends the server (SIGINT: at once, but cleanly) when our end of standard input closes, so also when this process is killed. */
const GUARD = `exec 3<&0
"$@" 3<&- & server=$!
(cat <&3 >/dev/null; kill -INT $server) & guard=$!
wait $server; code=$?
kill $guard 2>/dev/null
exit $code`;

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;

export interface TestPostgresOptions {
  /** Speaks TLS with the certificate of test/fixtures/tls, for `localhost` and 127.0.0.1. Then never a given server. */
  readonly tls?: boolean;
  /** Asks every role but `postgres` for its password. Then never a given server. */
  readonly passwords?: boolean;
}

export async function startPostgres(options: TestPostgresOptions = {}): Promise<TestPostgres> {
  const given = options.tls === true || options.passwords === true ? '' : process.env.AUDIT_TEST_POSTGRES_URL;
  return given === undefined || given === '' ? startOwn(options) : useGiven(given);
}

async function startOwn(options: TestPostgresOptions): Promise<TestPostgres> {
  const directory = mkdtempSync(join(tmpdir(), 'otel-audit-pg-'));
  try {
    const binaries = findBinaries(process.env.AUDIT_TEST_POSTGRES, directory, UNPRIVILEGED.uid !== undefined);
    await initialise(binaries, directory);
    const settings = configure(directory, options);
    const port = await freePort();
    const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
    let server: ChildProcess | undefined = await start(binaries, directory, port, settings);
    const stopServer = async (): Promise<void> => {
      if (server !== undefined) await stop(server, directory);
      server = undefined;
    };
    return {
      url,
      version: await versionOf(url),
      source: binaries.source,
      stopServer,
      startServer: async () => {
        server ??= await start(binaries, directory, port, settings);
      },
      stop: async () => {
        await stopServer();
        rmSync(directory, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

async function initialise(binaries: Binaries, directory: string): Promise<void> {
  chmodSync(directory, 0o755);
  for (const folder of ['data', 'run']) {
    mkdirSync(join(directory, folder), { mode: 0o700 });
    if (UNPRIVILEGED.uid !== undefined) chownSync(join(directory, folder), UNPRIVILEGED.uid, UNPRIVILEGED.gid);
  }
  const flags = ['-D', join(directory, 'data'), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  await promisify(execFile)(binaries.initdb, flags, { cwd: directory, ...UNPRIVILEGED });
}

/** Further settings of the server. */
function configure(directory: string, { tls = false, passwords = false }: TestPostgresOptions): readonly string[] {
  if (passwords)
    writeFileSync(
      join(directory, 'data', 'pg_hba.conf'),
      'host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n',
    );
  if (!tls) return [];
  const files = ['cert.pem', 'key.pem'].map((name) => join(directory, name));
  for (const file of files) {
    copyFileSync(join(ROOT, 'test/fixtures/tls', basename(file)), file);
    chmodSync(file, 0o600);
    if (UNPRIVILEGED.uid !== undefined) chownSync(file, UNPRIVILEGED.uid, UNPRIVILEGED.gid);
  }
  return ['ssl=on', `ssl_cert_file=${files[0]}`, `ssl_key_file=${files[1]}`];
}

async function start(binaries: Binaries, directory: string, port: number, further: readonly string[]): Promise<ChildProcess> {
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const settings = ['listen_addresses=127.0.0.1', `port=${port}`, `unix_socket_directories=${join(directory, 'run')}`, ...further];
  const command = [binaries.postgres, '-D', join(directory, 'data'), ...settings.flatMap((setting) => ['-c', setting])];
  const log = openSync(join(directory, 'server.log'), 'a');
  // Detached: Ctrl-C reaches the service first, which still wants to flush.
  const options = { cwd: directory, detached: true, stdio: ['pipe', log, log] as ['pipe', number, number], ...UNPRIVILEGED };
  const server = spawn('/bin/sh', ['-c', GUARD, 'sh', ...command], options);
  closeSync(log);
  server.unref();
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await accepts(url))) {
    if (server.exitCode !== null || Date.now() > deadline) {
      await stop(server, directory);
      throw new Error(`PostgreSQL did not start:\n${readFileSync(join(directory, 'server.log'), 'utf8').slice(-2000)}`);
    }
  }
  return server;
}

async function stop(server: ChildProcess, directory: string): Promise<void> {
  server.ref();
  const ended = server.exitCode !== null || server.signalCode !== null ? Promise.resolve() : once(server, 'exit');
  server.stdin?.end();
  const quit = setTimeout(() => quitByFile(directory), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(quit);
}

function quitByFile(directory: string): void {
  const pid = Number.parseInt(readFileSync(join(directory, 'data', 'postmaster.pid'), 'utf8'), 10);
  if (pid > 1) process.kill(pid, 'SIGQUIT');
}

async function accepts(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return new Promise((resolve) => setTimeout(resolve, 20, false));
  }
}

async function useGiven(server: string): Promise<TestPostgres> {
  const name = `otel_audit_${randomBytes(6).toString('hex')}`;
  await query(server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const refuse = async (): Promise<void> => {
    throw new Error('the server of AUDIT_TEST_POSTGRES_URL is not ours to stop');
  };
  const drop = (): Promise<unknown> => query(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  return {
    url: url.href,
    version: await versionOf(url.href),
    source: 'url',
    stopServer: refuse,
    startServer: refuse,
    stop: async () => {
      await drop().catch((error: unknown) => console.error('database not dropped:', name, error));
    },
  };
}

async function versionOf(url: string): Promise<string> {
  const [row] = await query(url, 'SHOW server_version');
  return String(row?.server_version).split(' ')[0] ?? '';
}

/** One statement on a connection of its own. */
export async function query(url: string, sql: string, values: readonly unknown[] = []): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql, [...values]);
    return rows;
  } finally {
    await client.end();
  }
}
