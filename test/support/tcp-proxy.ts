/** A TCP proxy that can lose the server's answers, cut its lines, or refuse what it reads. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** Where new connections lead; another one is a failover. */
  upstream: number;
  /** What the server says is thrown away where this is true of it. */
  deafTo: (answer: Buffer) => boolean;
  /** Answers a client's first packet instead of the server, if it returns something. */
  refusal: ((packet: Buffer) => Buffer | undefined) | undefined;
  /** Resets every connection. */
  cut(): void;
  close(): Promise<void>;
}

/**
 * A reset of a socket that is just being shut down fails in libuv (EINVAL), and Node 20 then takes its handle for closing for
 * ever: at the end of the process it waits for it in a busy loop.
 */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

export async function startTcpProxy(port: number): Promise<TcpProxy> {
  const lines = new Set<Socket>();
  const server = createServer((client) => {
    client.once('data', (packet) => {
      const refusal = proxy.refusal?.(packet);
      if (refusal !== undefined) return void client.end(refusal);
      const upstream = connect(proxy.upstream, '127.0.0.1');
      upstream.write(packet);
      client.pipe(upstream);
      upstream.on('data', (chunk) => proxy.deafTo(chunk) || client.write(chunk));
      upstream.on('end', () => client.end());
      keep(upstream);
    });
    keep(client);
  }).listen(0, '127.0.0.1');
  const keep = (socket: Socket): void => {
    lines.add(socket);
    socket.on('error', () => {}).on('close', () => lines.delete(socket));
  };
  await once(server, 'listening');
  const proxy: TcpProxy = {
    port: (server.address() as AddressInfo).port,
    upstream: port,
    deafTo: () => false,
    refusal: undefined,
    cut: () => {
      for (const socket of lines) reset(socket);
    },
    close: async () => {
      proxy.cut();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}
