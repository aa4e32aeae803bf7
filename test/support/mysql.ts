/** Starts a MySQL or MariaDB that is installed here, in a folder of its own, on a free port of loopback. */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.js';

export interface TestMysql {
  /** Of an empty database, as a user without a password. */
  readonly url: string;
  stop(): Promise<void>;
}

/** The servers refuse to run as root; this is `nobody`. */
const UNPRIVILEGED = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
// Debian keeps servers where only root looks for programs.
const PLACES = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/sbin', '/usr/local/sbin'];
const READY = /ready for connections/;

/** The path of `mariadbd` or `mysqld`; undefined if neither is installed. */
export function findMysql(): string | undefined {
  return find('mariadbd') ?? find('mysqld');
}

/** @throws if it does not start */
export async function startMysql(server: string): Promise<TestMysql> {
  const directory = mkdtempSync(path.join(tmpdir(), 'otel-audit-mysql-'));
  const data = path.join(directory, 'data');
  chmodSync(directory, 0o755);
  mkdirSync(data);
  if (UNPRIVILEGED.uid !== undefined) chownSync(data, UNPRIVILEGED.uid, UNPRIVILEGED.gid);
  const common = ['--no-defaults', `--datadir=${data}`];
  const initialise = find('mariadb-install-db');
  const [command, flags] =
    server.endsWith('mariadbd') && initialise !== undefined
      ? [initialise, ['--auth-root-authentication-method=normal', '--skip-test-db']]
      : [server, ['--initialize-insecure']];
  await promisify(execFile)(command, [...common, ...flags], { cwd: data, ...UNPRIVILEGED });
  const port = await freePort();
  const init = path.join(directory, 'init.sql');
  writeFileSync(init, 'CREATE DATABASE otel_audit;\n');
  const address = ['--bind-address=127.0.0.1', `--port=${port}`, `--socket=${path.join(data, 'socket')}`, `--init-file=${init}`];
  const child = spawn(server, [...common, ...address], { cwd: data, stdio: ['ignore', 'ignore', 'pipe'], ...UNPRIVILEGED });
  const ended = once(child, 'exit');
  let log = '';
  const ready = new Promise<void>((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      if (READY.test(log)) resolve();
    });
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    rmSync(directory, { recursive: true, force: true });
  };
  await Promise.race([ready, ended]);
  if (child.exitCode !== null) {
    await stop();
    throw new Error(`${server} did not start:\n${log.slice(-2000)}`);
  }
  return { url: `mysql://root@127.0.0.1:${port}/otel_audit`, stop };
}

function find(program: string): string | undefined {
  return PLACES.map((place) => path.join(place, program)).find((candidate) => existsSync(candidate));
}
