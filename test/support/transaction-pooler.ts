/** A pooler as PgBouncer is in transaction mode: many clients share one session of the server, each for one transaction at a time. */

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface TransactionPooler {
  readonly url: string;
  /** How often the session went from one client to another. */
  readonly handovers: () => number;
  stop(): Promise<void>;
}

interface Waiting {
  readonly client: Socket;
  readonly chunks: Buffer[];
}

/** For a server that asks for no password. */
export async function startTransactionPooler(serverUrl: string): Promise<TransactionPooler> {
  const { hostname, port, username, pathname } = new URL(serverUrl);
  const { server, greeting } = await login(hostname, Number(port), username, pathname.slice(1));
  const queue: Waiting[] = [];
  const sockets = new Set<Socket>();
  let holder: Waiting | undefined;
  let last: Socket | undefined;
  let handovers = 0;
  let owed = 0;

  const serve = (): void => {
    if (holder !== undefined) return;
    holder = queue.shift();
    if (holder === undefined) return;
    if (last !== holder.client) handovers += 1;
    last = holder.client;
    for (const chunk of holder.chunks.splice(0)) forward(chunk);
  };
  const forward = (chunk: Buffer): void => {
    for (const [type] of messages(chunk)) if (type === 'S' || type === 'Q') owed += 1;
    server.write(chunk);
  };
  const answers = new Splitter((message) => {
    const client = holder?.client;
    client?.write(message);
    if (String.fromCharCode(message[0] ?? 0) !== 'Z') return;
    owed -= 1;
    // Idle, and nothing more is on its way: the session is anybody's.
    if (owed > 0 || String.fromCharCode(message[5] ?? 0) !== 'I') return;
    holder = undefined;
    serve();
  });
  server.on('data', (chunk) => answers.push(chunk));

  const listener = createServer((client) => {
    sockets.add(client);
    client.on('error', () => client.destroy());
    let isStarted = false;
    const whole = new Splitter((message) => {
      if (String.fromCharCode(message[0] ?? 0) === 'X') return;
      if (holder?.client === client) return forward(message);
      const waiting = queue.find((entry) => entry.client === client);
      if (waiting !== undefined) waiting.chunks.push(message);
      else queue.push({ client, chunks: [message] });
      serve();
    });
    client.on('data', (chunk) => {
      if (isStarted) return whole.push(chunk);
      isStarted = true;
      client.write(greeting);
    });
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address() as { readonly port: number };
  const url = new URL(serverUrl);
  url.port = String(address.port);
  return {
    url: url.href,
    handovers: () => handovers,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}

/** The server's answer to a login, with another process id: the pooler's clients have none of their own there. */
async function login(
  host: string,
  port: number,
  user: string,
  database: string,
): Promise<{ readonly server: Socket; readonly greeting: Buffer }> {
  const server = connect(port, host);
  const parameters = Buffer.from(`user\0${user}\0database\0${database}\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(8 + parameters.length, 0);
  head.writeInt32BE(196_608, 4);
  server.write(Buffer.concat([head, parameters]));
  const greeting: Buffer[] = [];
  await new Promise<void>((resolve) => {
    const splitter = new Splitter((message) => {
      const type = String.fromCharCode(message[0] ?? 0);
      if (type === 'K') message.writeInt32BE(7, 5);
      greeting.push(message);
      if (type === 'Z') resolve();
    });
    server.on('data', (chunk) => splitter.push(chunk));
  });
  server.removeAllListeners('data');
  return { server, greeting: Buffer.concat(greeting) };
}

/** Whole messages of a byte, a length and a body. */
class Splitter {
  readonly #take: (message: Buffer) => void;
  #rest = Buffer.alloc(0);

  constructor(take: (message: Buffer) => void) {
    this.#take = take;
  }

  push(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (const [, message] of messages(this.#rest)) {
      this.#rest = this.#rest.subarray(message.length);
      this.#take(Buffer.from(message));
    }
  }
}

function* messages(bytes: Buffer): Generator<readonly [type: string, message: Buffer]> {
  let offset = 0;
  while (bytes.length - offset >= 5) {
    const end = offset + 1 + bytes.readInt32BE(offset + 1);
    if (end > bytes.length) return;
    yield [String.fromCharCode(bytes[offset] ?? 0), bytes.subarray(offset, end)];
    offset = end;
  }
}
