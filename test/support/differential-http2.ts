/** Seeded HTTP/2 streams that share a connection, and all that their client and handlers could see of them. */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http2 from 'node:http2';
import { type Observation, PATIENCE_MS, reportOf } from './differential-client.js';
import { type HandlerPlan, handlerPlan, METHODS, mulberry32, type Protocol, pick, type Random, split } from './differential-plan.js';
import type { Service } from './service.js';

// Longer than 20 MB take on a busy machine.
const BACKSTOP_MS = 20_000;

export interface StreamScenario {
  readonly id: number;
  readonly streams: readonly Stream[];
  readonly summary: string;
}

interface Stream {
  readonly path: string;
  readonly method: string;
  readonly headers: http2.OutgoingHttpHeaders;
  readonly plan: HandlerPlan;
  readonly body: readonly Buffer[];
  readonly trailers: boolean;
  /** Cancels after this share of the body, or after so many bytes of the answer. */
  readonly abortAfterSent?: number;
  readonly abortAfterReceived?: number;
}

export function createStreamScenario(seed: number, id: number, sizes: readonly number[]): StreamScenario {
  const random = mulberry32(seed * 1_000_003 + id);
  const streams = Array.from({ length: 1 + Math.floor(random() * 3) }, (_, index) => createStream(random, `/s/${id}.${index}`, sizes));
  return { id, streams, summary: JSON.stringify(streams.map(({ body, ...rest }) => ({ ...rest, size: Buffer.concat(body).length }))) };
}

function createStream(random: Random, path: string, sizes: readonly number[]): Stream {
  const method = pick(random, METHODS);
  const hasBody = method !== 'GET' && method !== 'HEAD' && random() < 0.85;
  const bytes = Buffer.alloc(hasBody ? pick(random, sizes) : 0, `${path} ö€ {"password":"hunter2"} `);
  const headers = {
    'x-duplicate': ['1', '2'],
    'content-type': pick(random, ['application/json', 'text/plain; charset=utf-8', 'multipart/form-data; boundary=x']),
    ...(random() < 0.2 ? { 'content-encoding': pick(random, ['gzip', 'br', 'nonsense']) } : {}),
    ...(random() < 0.2 ? { 'x-request-id': pick(random, ['client-1', 'bad id', '']) } : {}),
    ...(hasBody && random() < 0.5 ? { 'content-length': bytes.length } : {}),
    ...(hasBody && random() < 0.15 ? { expect: '100-continue' } : {}),
  };
  const kind = random();
  return {
    path,
    method,
    headers,
    plan: handlerPlan(random),
    body: hasBody ? split(random, bytes) : [],
    trailers: hasBody && random() < 0.2,
    ...(kind < 0.12 ? { abortAfterSent: random() } : kind < 0.2 ? { abortAfterReceived: Math.floor(random() * 2000) } : {}),
  };
}

/** An observation for each stream. */
export async function playStreams(service: Service, protocol: Protocol, { streams }: StreamScenario): Promise<readonly Observation[]> {
  const { port } = new URL(service.url);
  const session = http2.connect(`${protocol === 'h2c' ? 'http' : 'https'}://127.0.0.1:${port}`, { rejectUnauthorized: false });
  session.on('error', () => {});
  const closed = new Promise<void>((resolve) => session.on('close', () => resolve()));
  await once(session, 'connect');
  const localPort = session.socket.localPort ?? 0;
  const received = await Promise.all(streams.map((stream) => exchange(session, stream)));
  session.destroy();
  await closed;
  const reports = await Promise.all(streams.map(({ path }) => reportOf(service, { path, port: localPort })));
  return reports.map(({ events }, index) => ({ received: received[index], events, rejected: [] }));
}

async function exchange(session: http2.ClientHttp2Session, stream: Stream): Promise<string | undefined> {
  const { plan, path, method, abortAfterReceived, abortAfterSent } = stream;
  const query = Buffer.from(JSON.stringify(plan)).toString('base64url');
  const head = { ':authority': 'differential', ':path': `${path}?plan=${query}`, ':method': method, ...stream.headers };
  const request = session.request(head, { endStream: stream.body.length === 0, waitForTrailers: stream.trailers });
  const seen: string[] = [];
  const hash = createHash('sha256');
  let count = 0;
  request.on('response', (headers) => seen.push(shown(headers)));
  request.on('headers', (headers) => seen.push(`informational ${shown(headers)}`));
  request.on('trailers', (headers) => seen.push(`trailers ${shown(headers)}`));
  request.on('continue', () => seen.push('continue'));
  request.on('error', (error: NodeJS.ErrnoException) => seen.push(`error ${error.code}`));
  request.on('wantTrailers', () => request.sendTrailers({ 'x-checksum': '1' }));
  request.on('data', (chunk: Buffer) => {
    hash.update(chunk);
    count += chunk.length;
    if (abortAfterReceived !== undefined && count >= abortAfterReceived) request.close(http2.constants.NGHTTP2_CANCEL);
  });
  const giveUp = (): void => {
    seen.push('open');
    request.destroy();
  };
  request.setTimeout(PATIENCE_MS, giveUp);
  // Node 20 forgets that timeout with the server's last frame, and sometimes the end of the stream as well.
  const backstop = setTimeout(giveUp, BACKSTOP_MS);
  const closed = new Promise<void>((resolve) => request.on('close', () => resolve()));
  send(request, stream);
  await closed;
  clearTimeout(backstop);
  // How much came over before a stream was given up is chance.
  if (abortAfterSent !== undefined || abortAfterReceived !== undefined) return undefined;
  // Of several strings written at once Node 20 and 22 send the right number of bytes over HTTP/2, and whatever lay in their memory.
  const bytes = plan.encoding === undefined ? hash.digest('hex') : 'chance';
  return `${seen.join('\n')}\n${count} ${bytes} ${request.rstCode}`;
}

function send(request: http2.ClientHttp2Stream, { body, abortAfterSent }: Stream): void {
  if (body.length === 0) {
    if (abortAfterSent !== undefined) request.close(http2.constants.NGHTTP2_CANCEL);
    return;
  }
  if (abortAfterSent === undefined) {
    for (const part of body) request.write(part);
    request.end();
    return;
  }
  const all = Buffer.concat(body);
  request.write(all.subarray(0, Math.floor(all.length * abortAfterSent)), () => request.close(http2.constants.NGHTTP2_CANCEL));
}

/** Without the date and the request id that the preload adds: a UUID where the service set none and the client's was not sane. */
function shown(headers: http2.IncomingHttpHeaders): string {
  return Object.entries(headers)
    .filter(([name, value]) => name !== 'date' && !(name === 'x-request-id' && ADDED_ID.test(String(value))))
    .map(([name, value]) => `${name}: ${value}`)
    .join('|');
}

const ADDED_ID = /^(?:[0-9a-f]{8}-[0-9a-f-]{27}|client-1)$/;
