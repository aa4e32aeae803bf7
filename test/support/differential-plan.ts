/** Seeded requests and what their handlers do: the corpus that a service must answer alike with and without the preload. */

/** `h2-http1`: over an HTTP/2 server that allows HTTP/1. */
export type Protocol = 'http' | 'https' | 'h2' | 'h2c' | 'h2-http1';

export interface HandlerPlan {
  readonly consume: 'data' | 'readable' | 'iterate' | 'echo' | 'encoded' | 'late' | 'held' | 'never';
  readonly status: number;
  readonly headers: 'set' | 'object' | 'flat' | 'reason' | 'own-id' | 'none';
  /** Sizes of the writes; the last goes with `end`. */
  readonly writes: readonly number[];
  readonly encoding?: BufferEncoding;
  readonly early?: 'hints' | 'processing' | 'flush' | 'cork';
  readonly trailer?: boolean;
  readonly fault?: 'throw' | 'reject' | 'destroy' | 'silent' | 'write-after-end' | 'bad-header';
}

export interface Scenario {
  readonly id: number;
  /** What goes over the connection, in writes of its own. */
  readonly bytes: readonly Buffer[];
  /** Leaves after this share of the bytes, or after so many bytes of the answer. */
  readonly abortAfterSent?: number;
  readonly abortAfterReceived?: number;
  /** Ends its side when everything is sent. */
  readonly halfClose: boolean;
  readonly summary: string;
}

export type Random = () => number;

export const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];
const STATUSES = [200, 200, 200, 201, 204, 304, 400, 404, 500];
const CONSUMERS: readonly HandlerPlan['consume'][] = ['data', 'readable', 'iterate', 'echo', 'encoded', 'late', 'held', 'never'];
const HEADER_FORMS: readonly HandlerPlan['headers'][] = ['set', 'object', 'flat', 'reason', 'own-id', 'none'];
const FAULTS: readonly HandlerPlan['fault'][] = ['throw', 'reject', 'destroy', 'silent', 'write-after-end', 'bad-header'];
const ENCODINGS: readonly BufferEncoding[] = ['utf8', 'latin1', 'hex', 'base64', 'utf16le'];
const MALFORMED = [
  'GET /\r\n\r\n',
  'NONSENSE / HTTP/1.1\r\nHost: x\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: minus\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n',
  'GET / HTTP/1.1\r\nHo st: x\r\n\r\n',
  'GET / HTTP/1.1\r\n\r\n',
  'GET / HTTP/9.9\r\nHost: x\r\n\r\n',
  `GET / HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(20_000)}\r\n\r\n`,
];

/** `sizes` are the body sizes to draw from. */
export function createScenario(seed: number, id: number, sizes: readonly number[]): Scenario {
  const random = mulberry32(seed * 1_000_003 + id);
  if (random() < 0.08) return malformed(random, id);
  const requests = random() < 0.15 ? 2 + Math.floor(random() * 2) : 1;
  const parts: Buffer[] = [];
  const summaries: string[] = [];
  for (let index = 0; index < requests; index += 1) {
    const { bytes, summary } = request(random, id, sizes, index === requests - 1);
    parts.push(...bytes);
    summaries.push(summary);
  }
  const kind = random();
  return {
    id,
    bytes: parts,
    halfClose: random() < 0.05,
    ...(kind < 0.12 ? { abortAfterSent: random() } : kind < 0.2 ? { abortAfterReceived: Math.floor(random() * 2000) } : {}),
    summary: summaries.join(' | '),
  };
}

function malformed(random: Random, id: number): Scenario {
  const text = pick(random, MALFORMED);
  return { id, bytes: [Buffer.from(text)], halfClose: true, summary: text.slice(0, 60) };
}

function request(random: Random, id: number, sizes: readonly number[], isLast: boolean): { bytes: Buffer[]; summary: string } {
  const method = pick(random, METHODS);
  const hasBody = method !== 'GET' && method !== 'HEAD' && random() < 0.85;
  const isChunked = random() < 0.4;
  const expects = hasBody && random() < 0.15;
  const body = Buffer.alloc(hasBody ? pick(random, sizes) : 0, `${id} ö€ {"password":"hunter2"} `);
  const plan = handlerPlan(random);
  const head = [
    `${method} /s/${id}?plan=${Buffer.from(JSON.stringify(plan)).toString('base64url')} HTTP/1.1`,
    'Host: differential',
    'X-DuPlicate: 1',
    'x-duplicate: 2',
    `Content-Type: ${pick(random, ['application/json', 'text/plain; charset=utf-8', 'application/octet-stream', 'multipart/form-data; boundary=x'])}`,
    ...(random() < 0.2 ? [`Content-Encoding: ${pick(random, ['gzip', 'br', 'nonsense'])}`] : []),
    ...(random() < 0.2 ? [`X-Request-Id: ${pick(random, ['client-1', 'bad id', ''])}`] : []),
    ...(random() < 0.2 ? ['Cookie: a=1', 'Cookie: b=2'] : []),
    ...(expects ? ['Expect: 100-continue'] : []),
    ...(isLast ? ['Connection: close'] : []),
    ...(hasBody ? [isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`] : []),
  ];
  const bytes = [
    Buffer.from(`${head.join('\r\n')}\r\n\r\n`),
    ...(hasBody ? (isChunked ? chunked(random, body) : split(random, body)) : []),
  ];
  return { bytes, summary: `${method} ${body.length}${isChunked ? ' chunked' : ''}${expects ? ' expect' : ''} ${JSON.stringify(plan)}` };
}

export function handlerPlan(random: Random): HandlerPlan {
  const writes = Array.from({ length: Math.floor(random() * 4) }, () => pick(random, [0, 1, 10, 1000, 20_000, 100_000]));
  return {
    consume: pick(random, CONSUMERS),
    status: pick(random, STATUSES),
    headers: pick(random, HEADER_FORMS),
    writes,
    ...(random() < 0.2 ? { encoding: pick(random, ENCODINGS) } : {}),
    ...(random() < 0.2 ? { early: pick(random, ['hints', 'processing', 'flush', 'cork'] as const) } : {}),
    ...(random() < 0.1 ? { trailer: true } : {}),
    ...(random() < 0.15 ? { fault: pick(random, FAULTS) } : {}),
  } as HandlerPlan;
}

function chunked(random: Random, body: Buffer): Buffer[] {
  const chunks = split(random, body).map((part) =>
    Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]),
  );
  return [...chunks, Buffer.from(random() < 0.3 ? '0\r\nX-Checksum: 1\r\nX-Checksum: 2\r\n\r\n' : '0\r\n\r\n')];
}

export function split(random: Random, body: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const size = Math.max(1, Math.floor(random() * body.length));
    parts.push(body.subarray(at, at + size));
    at += size;
  }
  return parts;
}

export function pick<Value>(random: Random, values: readonly Value[]): Value {
  return values[Math.floor(random() * values.length)] as Value;
}

/** A small seeded generator: the same scenarios on every machine. */
export function mulberry32(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
