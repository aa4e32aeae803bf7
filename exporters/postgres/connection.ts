/** One connection to the database, which can be dropped at any moment, also while it is being made. */

import { Socket } from 'node:net';
import { Client } from 'pg';
import { AuditError } from '../../src/errors.js';
import { type Address, type Host, parseAddress } from './address.js';
import { createEntraPassword } from './entra.js';
import { reasonOf, refusesStartupSetting } from './errors.js';

/** How to reach a database. */
export interface DatabaseAccess {
  /** `postgres://user:password@host:port/database`; several hosts, TLS and more as `parseAddress` has it. */
  readonly url: string;
  /** Certificates in PEM that the server's must lead to. Default: those that Node trusts. */
  readonly ca?: string | undefined;
  /** `entra`: a Microsoft Entra token is the password. Default `password`: the URL's. */
  readonly credential?: 'password' | 'entra' | undefined;
}

export interface Connection {
  readonly client: Client;
  /** False once the server or the network has ended it. */
  isUsable(): boolean;
  /** Says goodbye; at most 2 s. */
  close(): Promise<void>;
  /** Cuts the line: a running query fails at once. */
  destroy(): void;
}

export interface ConnectOptions {
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Makes connections, each to the first of the hosts that will do. */
export type Connector = (options: ConnectOptions) => Promise<Connection>;

/** For all hosts together less than the deliverer's deadline of 10 s, so that the reason is the connection and not the deadline. */
const CONNECT_TIMEOUT_MS = 5000;
const ALL_HOSTS_TIMEOUT_MS = 8000;
const CLOSE_TIMEOUT_MS = 2000;

/** @throws {AuditError} ERR_AUDIT_EXPORTER if the URL cannot be used */
export function createConnector({ url, ca, credential }: DatabaseAccess): Connector {
  const address = parseAddress(url, ca);
  const password = credential === 'entra' ? createEntraPassword() : undefined;
  const timeoutMs = Math.min(CONNECT_TIMEOUT_MS, Math.floor(ALL_HOSTS_TIMEOUT_MS / address.hosts.length));
  const attempts = address.hosts.map((host): Attempt => ({ host, password, timeoutMs }));
  // Also checks that `pg` can make sense of each.
  for (const attempt of attempts) createClient(attempt, new Socket(), undefined);
  return async (options) => {
    let failure: unknown;
    for (const attempt of attempts) {
      try {
        return await connectTo(attempt, address, options);
      } catch (error) {
        options.signal?.throwIfAborted();
        failure = error;
      }
    }
    throw failure;
  };
}

/** To one database once; the exporter keeps a connector. */
export async function connect({ url, ca, credential, ...options }: DatabaseAccess & ConnectOptions): Promise<Connection> {
  return createConnector({ url, ca, credential })(options);
}

/**
 * Runs `work` on a connection of its own.
 * @throws {AuditError} ERR_AUDIT_EXPORTER with `what` and the reason, which names no secret
 */
export async function withConnection<Result>(
  access: DatabaseAccess,
  { what, ...options }: ConnectOptions & { readonly what: string },
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  let connection: Connection | undefined;
  try {
    connection = await connect({ ...access, ...options });
    return await work(connection.client);
  } catch (error) {
    throw new AuditError('ERR_AUDIT_EXPORTER', `${what}: ${reasonOf(error)}`, { cause: error });
  } finally {
    await connection?.close();
  }
}

interface Attempt {
  readonly host: Host;
  readonly password: (() => Promise<string>) | undefined;
  readonly timeoutMs: number;
}

interface Timeouts {
  readonly statement_timeout: number;
  readonly lock_timeout?: number;
}

async function connectTo(attempt: Attempt, { target }: Address, options: ConnectOptions): Promise<Connection> {
  const { statementTimeoutMs, lockTimeoutMs, signal } = options;
  const timeouts = { statement_timeout: statementTimeoutMs, ...(lockTimeoutMs === undefined ? {} : { lock_timeout: lockTimeoutMs }) };
  const connection = await open(attempt, signal, timeouts).catch((error: unknown) => {
    if (!refusesStartupSetting(error)) throw error;
    return open(attempt, signal, undefined);
  });
  if (target === 'any' || (await suits(connection, target, signal))) return connection;
  await connection.close();
  throw new AuditError('ERR_AUDIT_EXPORTER', 'no host of the URL takes writes (target_session_attrs)');
}

async function suits({ client, destroy }: Connection, target: Address['target'], signal: AbortSignal | undefined): Promise<boolean> {
  signal?.addEventListener('abort', destroy, { once: true });
  try {
    const { rows } = await client.query<{ readonly standby: boolean; readonly reads: boolean }>(
      "SELECT pg_is_in_recovery() AS standby, current_setting('transaction_read_only') = 'on' AS reads",
    );
    return (target === 'primary' ? rows[0]?.standby : rows[0]?.reads) === false;
  } catch (error) {
    destroy();
    throw error;
  } finally {
    signal?.removeEventListener('abort', destroy);
  }
}

async function open(attempt: Attempt, signal: AbortSignal | undefined, timeouts: Timeouts | undefined): Promise<Connection> {
  const socket = new Socket();
  const client = createClient(attempt, socket, timeouts);
  let usable = true;
  const destroy = (): void => {
    usable = false;
    socket.destroy();
  };
  // Without a listener the loss of an idle connection would end the process.
  client.on('error', destroy);
  client.on('end', destroy);
  signal?.addEventListener('abort', destroy, { once: true });
  try {
    signal?.throwIfAborted();
    await client.connect();
  } catch (error) {
    destroy();
    throw error;
  } finally {
    signal?.removeEventListener('abort', destroy);
  }
  return { client, isUsable: () => usable, close: async () => (usable ? close(client, destroy) : destroy()), destroy };
}

function createClient({ host, password, timeoutMs }: Attempt, socket: Socket, timeouts: Timeouts | undefined): Client {
  try {
    const client = new Client({
      connectionString: host.url,
      ssl: host.tls,
      application_name: 'otel-audit',
      connectionTimeoutMillis: timeoutMs,
      keepAlive: true,
      ...timeouts,
      stream: () => socket,
    });
    // Given as an option it would lose to the URL's, even to an empty one.
    return password === undefined ? client : Object.assign(client, { password });
  } catch {
    // No cause: the parser's error quotes the URL, password included.
    throw new AuditError(
      'ERR_AUDIT_EXPORTER',
      'the URL of the Postgres exporter cannot be used: postgres://user:password@host:port/database',
    );
  }
}

/** `end` of a client whose socket has already gone may never settle. */
function close(client: Client, destroy: () => void): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timeout);
      destroy();
      resolve();
    };
    const timeout = setTimeout(finish, CLOSE_TIMEOUT_MS);
    client.end().then(finish, finish);
  });
}
