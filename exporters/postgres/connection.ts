/** One connection to the database, which can be dropped at any moment, also while it is being made. */

import { Socket } from 'node:net';
import { Client } from 'pg';
import { AuditError } from '../../src/errors.js';
import { refusesStartupSetting } from './errors.js';

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
  readonly url: string;
  readonly statementTimeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Less than the deliverer's deadline of 10 s, so that the reason is the connection and not the deadline. */
const CONNECT_TIMEOUT_MS = 5000;
const CLOSE_TIMEOUT_MS = 2000;

export async function connect(options: ConnectOptions): Promise<Connection> {
  try {
    return await open(options, options.statementTimeoutMs);
  } catch (error) {
    if (!refusesStartupSetting(error)) throw error;
    return open(options, undefined);
  }
}

/** @throws {AuditError} ERR_AUDIT_EXPORTER if `pg` cannot make sense of it */
export function checkUrl(url: string): void {
  createClient(url, new Socket(), undefined);
}

async function open({ url, signal }: ConnectOptions, statementTimeoutMs: number | undefined): Promise<Connection> {
  const socket = new Socket();
  const client = createClient(url, socket, statementTimeoutMs);
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

function createClient(url: string, socket: Socket, statementTimeoutMs: number | undefined): Client {
  try {
    // Anything else the parser takes for the name of a database.
    if (!/^postgres(?:ql)?:\/\//.test(url)) throw new TypeError('not a postgres URL');
    return new Client({
      connectionString: url,
      application_name: 'otel-audit',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      statement_timeout: statementTimeoutMs ?? false,
      stream: () => socket,
    });
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
