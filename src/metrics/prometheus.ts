/** Offers the metrics to Prometheus: an endpoint of its own, or a file for the node exporter. Must never be audited, nor keep the process alive. */

import { renameSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { prometheusTarget } from '../prometheus-target.js';

export interface PrometheusOptions {
  /** A port (on 127.0.0.1), `host:port`, or the path of a file that ends in `.prom`, where `%p` is the process id. */
  readonly target: string;
  readonly text: () => string;
  /** For `/health`: 503 while records are being lost. */
  readonly isFailing: () => boolean;
  readonly warn: (message: string) => void;
  /** Of the file. Default 10,000. */
  readonly intervalMs?: number;
}

export interface Prometheus {
  /** Where it listens, once it does; undefined for a file. */
  readonly address: Promise<{ readonly host: string; readonly port: number } | undefined>;
  close(): void;
}

export function startPrometheus(options: PrometheusOptions): Prometheus {
  const target = prometheusTarget(options.target);
  if (target === undefined) throw new TypeError('not a Prometheus target');
  return 'file' in target ? startFile(target.file, options) : startEndpoint(target, options);
}

function startFile(file: string, { text, warn, intervalMs = 10_000 }: PrometheusOptions): Prometheus {
  const write = (): void => {
    try {
      // A reader must see a whole file.
      writeFileSync(`${file}.tmp`, text(), { mode: 0o644 });
      renameSync(`${file}.tmp`, file);
    } catch (error) {
      warn(`AUDIT_PROMETHEUS: the file cannot be written (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
    }
  };
  write();
  const timer = setInterval(write, intervalMs).unref();
  return {
    address: Promise.resolve(undefined),
    close() {
      clearInterval(timer);
      write();
    },
  };
}

const MAX_REQUEST_BYTES = 8192;
const IDLE_MS = 5000;

/** On sockets and not on `node:http`: every HTTP server of the process is audited and instrumented. */
function startEndpoint({ host, port }: { readonly host: string; readonly port: number }, options: PrometheusOptions): Prometheus {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let received = '';
    socket.setEncoding('latin1').setTimeout(IDLE_MS, () => socket.destroy());
    socket.unref();
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
    socket.on('data', (chunk: string) => {
      received += chunk;
      if (received.length > MAX_REQUEST_BYTES) socket.destroy();
      else if (received.includes('\r\n\r\n')) socket.removeAllListeners('data').end(answer(received, options));
    });
  });
  const address = new Promise<{ readonly host: string; readonly port: number } | undefined>((resolve) => {
    server.on('error', (error: NodeJS.ErrnoException) => {
      options.warn(`AUDIT_PROMETHEUS: ${host}:${port} cannot be listened on (${error.code ?? error.name}); the service runs without it`);
      resolve(undefined);
    });
    // Exclusive: workers of a cluster would share the port, and each scrape would meet another of them.
    server.listen({ port, host, exclusive: true }, () => {
      const bound = server.address();
      resolve(typeof bound === 'object' && bound !== null ? { host, port: bound.port } : undefined);
    });
  });
  server.unref();
  return {
    address,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function answer(request: string, { text, isFailing }: PrometheusOptions): string {
  const [, method = '', path = ''] = /^([A-Z]+) (\S+) HTTP\/1\.[01]\r\n/.exec(request) ?? [];
  if (method !== 'GET' && method !== 'HEAD') return respond('405 Method Not Allowed', 'GET only\n', false);
  const isHead = method === 'HEAD';
  switch (path.split('?')[0]) {
    case '/metrics':
      return respond('200 OK', text(), isHead);
    case '/health':
      return isFailing() ? respond('503 Service Unavailable', 'failing\n', isHead) : respond('200 OK', 'ok\n', isHead);
    default:
      return respond('404 Not Found', '/metrics or /health\n', isHead);
  }
}

function respond(status: string, body: string, isHead: boolean): string {
  const head = [
    `HTTP/1.1 ${status}`,
    'Content-Type: text/plain; version=0.0.4; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${isHead ? '' : body}`;
}
