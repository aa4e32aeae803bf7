/** A service that does what each request's plan says and tells its parent, by IPC, every event it saw. Knows nothing of the audit. */

import { readFileSync } from 'node:fs';
import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import path from 'node:path';
import type { HandlerPlan, Protocol } from './differential-plan.js';

interface Seen {
  readonly events: string[];
  open: number;
  /** Streams whose handler has not been called yet. */
  due: number;
}

export interface ReportRequest {
  readonly path: string;
  /** The client's. */
  readonly port: number;
}

export interface Report {
  readonly path: string;
  readonly events: readonly string[];
  /** What the parser refused on that connection. */
  readonly rejected: readonly string[];
}

class PlannedError extends Error {
  readonly log: Seen;
  constructor(message: string, log: Seen) {
    super(message);
    this.log = log;
  }
}

const seen = new Map<string, Seen>();
const ports = new WeakMap<Socket, number>();
const ended = new Set<number>();
const rejected = new Map<number, string[]>();

process.on('uncaughtException', (error) => noteUncaught('uncaught', error));
process.on('unhandledRejection', (error) => noteUncaught('unhandled', error));

function onRequest(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://differential');
  const log = logOf(url.pathname);
  log.open += 1;
  if (request.httpVersionMajor > 1) log.due -= 1;
  follow(log, request, response);
  log.events.push(`handler ${request.method} ${request.rawHeaders.join('|')}`);
  const plan = JSON.parse(Buffer.from(url.searchParams.get('plan') ?? 'e30', 'base64url').toString()) as Partial<HandlerPlan>;
  if (plan.fault === 'throw') throw new PlannedError('thrown', log);
  void handle({ consume: 'never', status: 200, headers: 'none', writes: [], ...plan }, log, request, response);
}

/** HTTP/2's compatibility API is what these handlers are written for as well. */
function createServer(protocol: Protocol): Server {
  const tls = path.join(__dirname, '../../../test/fixtures/tls');
  const keys = { key: readFileSync(path.join(tls, 'key.pem')), cert: readFileSync(path.join(tls, 'cert.pem')) };
  const listener = onRequest as never;
  if (protocol === 'https') return https.createServer(keys, listener);
  if (protocol === 'h2c') return http2.createServer(listener) as unknown as Server;
  if (protocol === 'http') return http.createServer(listener);
  return http2.createSecureServer({ ...keys, allowHTTP1: true }, listener) as unknown as Server;
}

const server = createServer(process.env['AUDIT_TEST_PROTOCOL'] as Protocol);
server.on('connection', (socket) => {
  const port = socket.remotePort ?? 0;
  ports.set(socket, port);
  ended.delete(port);
  socket.on('close', () => ended.add(port));
});
server.on('stream', (_stream, headers: http2.IncomingHttpHeaders) => {
  logOf(new URL(headers[':path'] ?? '/', 'http://differential').pathname).due += 1;
});
server.on('secureConnection', (socket: Socket) => ports.set(socket, socket.remotePort ?? 0));
server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
  const port = ports.get(socket) ?? 0;
  rejected.set(port, [...(rejected.get(port) ?? []), `${error.code}`]);
  if (socket.writable && error.code !== 'ECONNRESET') socket.end(`HTTP/1.1 400 ${error.code}\r\nConnection: close\r\n\r\n`);
  else socket.destroy();
});
server.on('checkExpectation', (_request, response) => response.writeHead(417).end());

/** The parent asks for what was seen at a path: answered when connection and responses are closed, or after two seconds. */
process.on('message', ({ path, port }: ReportRequest) => {
  const deadline = performance.now() + 2000;
  const check = (): void => {
    const log = seen.get(path);
    if ((!ended.has(port) || (log !== undefined && log.open + log.due > 0)) && performance.now() < deadline)
      return void setTimeout(check, 2);
    const report: Report = { path, events: log?.events ?? [], rejected: rejected.get(port) ?? [] };
    process.send?.(report);
    seen.delete(path);
    rejected.delete(port);
  };
  setImmediate(check);
});

server.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`));

function logOf(path: string): Seen {
  const log = seen.get(path) ?? { events: [], open: 0, due: 0 };
  seen.set(path, log);
  return log;
}

function noteUncaught(how: string, error: unknown): void {
  if (error instanceof PlannedError) error.log.events.push(`${how} ${error.message}`);
  else throw error;
}

/** How often drain, pause and resume come depends on the network, so their first time counts. */
function follow(log: Seen, request: IncomingMessage, response: ServerResponse): void {
  const number = log.open;
  const once = new Set<string>();
  const note = (name: string) => (error?: unknown) => {
    const text = `${number} ${name}${error instanceof Error ? ` ${error.message}` : ''}`;
    if (REPEATING.test(name) && once.has(text)) return;
    once.add(text);
    log.events.push(text);
  };
  for (const name of ['end', 'close', 'aborted', 'error', 'pause', 'resume']) request.on(name, note(`request ${name}`));
  for (const name of ['finish', 'close', 'error', 'drain', 'pipe', 'unpipe']) response.on(name, note(`response ${name}`));
  response.on('close', () => {
    log.open -= 1;
    log.events.push(`${number} ended=${response.writableEnded} finished=${response.writableFinished} complete=${request.complete}`);
  });
}

const REPEATING = /pause|resume|drain/;

async function handle(plan: HandlerPlan, log: Seen, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (plan.fault === 'reject') throw new PlannedError('rejected', log);
  if (plan.fault === 'destroy') return void response.destroy(new Error('destroyed'));
  if (plan.early === 'hints') response.writeEarlyHints({ link: '</style.css>; rel=preload' });
  if (plan.early === 'processing') response.writeProcessing?.();
  if (plan.consume === 'echo') {
    head(plan, response);
    request.pipe(response);
    return;
  }
  const size = await consume(plan, log, request);
  if (size === undefined) return;
  log.events.push(`read ${size} trailers ${request.rawTrailers.join('|')}`);
  if (plan.fault === 'silent') return fallSilent(request);
  answer(plan, log, response);
}

function fallSilent(request: IncomingMessage & { readonly stream?: http2.Http2Stream }): void {
  const { stream, socket } = request;
  if (stream === undefined) socket.setTimeout(50, () => socket.destroy());
  else stream.setTimeout(50, () => stream.close());
}

/** Bytes read, or undefined when the request was cut. */
async function consume(plan: HandlerPlan, log: Seen, request: IncomingMessage): Promise<number | undefined> {
  if (plan.consume === 'never') return 0;
  if (plan.consume === 'late') await new Promise((resolve) => setTimeout(resolve, 5));
  if (plan.consume === 'held') log.events.push(`held ${await heldBytes(request)}`);
  if (plan.consume === 'encoded') request.setEncoding('utf8');
  let size = 0;
  if (plan.consume === 'iterate') {
    try {
      for await (const chunk of request) size += (chunk as Buffer).length;
      return size;
    } catch (error) {
      log.events.push(`iteration ${(error as Error).message}`);
      return undefined;
    }
  }
  return await new Promise((resolve) => {
    if (plan.consume === 'readable') {
      request.on('readable', () => {
        for (let chunk = request.read(); chunk !== null; chunk = request.read()) size += chunk.length;
      });
    } else request.on('data', (chunk: Buffer | string) => (size += chunk.length));
    request.on('end', () => resolve(size)).on('close', () => resolve(undefined));
  });
}

/** How much arrives for a consumer that does not read, in units of 256 KiB: chunk borders differ from run to run. */
async function heldBytes(request: IncomingMessage): Promise<number> {
  let last = -1;
  for (let stable = 0; stable < 5; ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    stable = request.readableLength === last ? stable + 1 : 0;
    last = request.readableLength;
  }
  return Math.floor(last / 262_144);
}

function answer(plan: HandlerPlan, log: Seen, response: ServerResponse): void {
  try {
    if (plan.early === 'cork') response.cork?.();
    if (plan.fault === 'bad-header') response.setHeader('x-bad', 'a\u0000b');
    head(plan, response);
    if (plan.early === 'flush') response.flushHeaders();
    const bodies = plan.writes.map((size) => bodyOf(size, plan.encoding));
    const last = bodies.pop();
    for (const body of bodies) {
      const went =
        plan.encoding === undefined ? response.write(body) : response.write(body, plan.encoding, () => log.events.push('written'));
      log.events.push(`write ${went}`);
    }
    if (plan.trailer === true) response.addTrailers({ 'X-Trailer': 'yes' });
    if (last === undefined) response.end(() => log.events.push('ended'));
    else if (plan.encoding === undefined) response.end(last);
    else response.end(last, plan.encoding);
    if (plan.fault === 'write-after-end') response.write('late');
    log.events.push(
      `headers ${response.headersSent} ${response.statusCode} ${response.getHeaderNames().filter((name) => name !== 'x-request-id')}`,
    );
  } catch (error) {
    log.events.push(`answer ${(error as Error).message}`);
    response.destroy();
  }
}

function bodyOf(size: number, encoding: BufferEncoding | undefined): Buffer | string {
  const bytes = Buffer.alloc(size, 'answer öß {"token":"t"} ');
  return encoding === undefined ? bytes : bytes.toString(encoding);
}

function head(plan: HandlerPlan, response: ServerResponse): void {
  const { status } = plan;
  if (plan.headers === 'none') response.statusCode = status;
  else if (plan.headers === 'set') {
    response.statusCode = status;
    response.setHeader('X-MiXed', ['a', 'b']);
    response.setHeader('Set-Cookie', ['a=1', 'b=2']);
  } else if (plan.headers === 'object')
    response.writeHead(status, { 'X-MiXed': 'a', 'Set-Cookie': ['a=1', 'b=2'], 'Content-Type': 'text/plain' });
  else if (plan.headers === 'flat') response.writeHead(status, ['X-MiXed', 'a', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'x-mixed', 'c']);
  else if (plan.headers === 'reason') {
    response.setHeader('X-Before', '1');
    response.writeHead(status, 'Own Reason', { 'X-After': '2' });
  } else {
    response.setHeader('X-Request-ID', 'own');
    response.writeHead(status);
  }
}
