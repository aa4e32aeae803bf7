/** A real PgBouncer in transaction mode before a real server. Not in `npm test`: it comes from the system's packages, not from npm. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { ROOT } from './service.js';

export interface PgBouncer {
  /** The server's URL, through it. */
  readonly url: string;
  stop(): Promise<void>;
}

interface PgBouncerOptions {
  /** Asks for it, with the certificate of test/fixtures/tls. */
  readonly tls: boolean;
  /** Default: a free one. */
  readonly port?: number;
}

// It refuses to run as root; this is `nobody`.
const UNPRIVILEGED = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
const START_TIMEOUT_MS = 20_000;

/** @throws if there is none: `apt-get install pgbouncer`, or its path in AUDIT_TEST_PGBOUNCER */
export async function startPgBouncer(server: string, { tls, port: wanted }: PgBouncerOptions): Promise<PgBouncer> {
  const { hostname, port, pathname, username } = new URL(server);
  const directory = mkdtempSync(join(tmpdir(), 'otel-audit-pgbouncer-'));
  chmodSync(directory, 0o755);
  const certificates = ['cert.pem', 'key.pem'].map((name) => join(directory, name));
  for (const file of certificates) copyFileSync(join(ROOT, 'test/fixtures/tls', basename(file)), file);
  for (const file of certificates) chmodSync(file, 0o644);
  const ownPort = wanted ?? (await freePort());
  const settings = [
    '[databases]',
    `${pathname.slice(1)} = host=${hostname} port=${port}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${ownPort}`,
    'unix_socket_dir =',
    'auth_type = trust',
    `auth_file = ${join(directory, 'users')}`,
    'pool_mode = transaction',
    // Fewer than there are clients: sessions are shared.
    'default_pool_size = 2',
    ...(tls
      ? ['client_tls_sslmode = require', `client_tls_cert_file = ${certificates[0]}`, `client_tls_key_file = ${certificates[1]}`]
      : []),
  ];
  writeFileSync(join(directory, 'users'), `"${username}" ""\n`);
  writeFileSync(join(directory, 'pgbouncer.ini'), `${settings.join('\n')}\n`);
  const command = process.env['AUDIT_TEST_PGBOUNCER'] ?? 'pgbouncer';
  const bouncer = spawn(command, [join(directory, 'pgbouncer.ini')], { ...UNPRIVILEGED, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  bouncer.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const ended = once(bouncer, 'exit').then(
    ([code]) => `it ended with ${code}: ${said.slice(-2000)}`,
    (error: unknown) => `${command} does not start (${error}): apt-get install pgbouncer, or name it in AUDIT_TEST_PGBOUNCER`,
  );
  const fault = await Promise.race([ended, accepts(ownPort)]);
  if (fault !== undefined) {
    rmSync(directory, { recursive: true });
    throw new Error(`no PgBouncer: ${fault}`);
  }
  const url = new URL(server);
  url.host = `${tls ? 'localhost' : '127.0.0.1'}:${ownPort}`;
  if (tls) url.search = `?sslmode=verify-full&sslrootcert=${certificates[0]}`;
  return {
    url: url.href,
    stop: async () => {
      bouncer.kill('SIGTERM');
      await ended;
      rmSync(directory, { recursive: true });
    },
  };
}

/** Undefined once somebody listens. */
async function accepts(port: number): Promise<string | undefined> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const socket = createConnection(port, '127.0.0.1');
    const isOpen = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'close').then(() => false)]).catch(
      () => false,
    );
    socket.destroy();
    if (isOpen) return undefined;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return 'nobody listens';
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { readonly port: number };
  server.close();
  await once(server, 'close');
  return port;
}
