/** A local Application Insights ingestion endpoint: accepts and checks as the documented one, and misbehaves on request. */

import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { ACCEPT, type IngestionBehaviour, type ItemError } from './ingestion-behaviours.js';
import { TLS } from './tls.js';

/** A decoded envelope, as far as tests and the demo read it. */
export interface IngestionItem {
  readonly name: string;
  readonly time: string;
  readonly iKey: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly data: {
    readonly baseType: string;
    readonly baseData: {
      readonly name?: string;
      readonly properties?: Readonly<Record<string, string>>;
      readonly measurements?: Readonly<Record<string, number>>;
    };
  };
}

export interface IngestionRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** As on the wire, compressed or not. */
  readonly bytes: number;
  /** All that arrived, stored or not. */
  readonly items: readonly IngestionItem[];
}

export interface IngestionServerOptions {
  /** Decides when `behaviours` is empty. Default: accept. */
  readonly respond?: (request: IngestionRequest, index: number) => IngestionBehaviour;
  /** Default: a free one. */
  readonly port?: number;
  /** https, with the certificate of `TLS`. */
  readonly tls?: boolean;
  /** Items of other instrumentation keys are refused as the service does. Default: the connection string's own key. */
  readonly instrumentationKey?: string;
}

export interface IngestionServer {
  readonly url: string;
  readonly connectionString: string;
  readonly requests: readonly IngestionRequest[];
  /** What was stored, in order, duplicates included. */
  readonly items: readonly IngestionItem[];
  /** One for each coming request, taken from the front. */
  readonly behaviours: IngestionBehaviour[];
  /** Rejects when there are fewer than `count` after `timeoutMs`. */
  waitForItems(count: number, timeoutMs: number): Promise<readonly IngestionItem[]>;
  close(): Promise<void>;
}

export async function startIngestionServer(options: IngestionServerOptions = {}): Promise<IngestionServer> {
  const instrumentationKey = options.instrumentationKey ?? '00000000-0000-4000-8000-000000000001';
  const requests: IngestionRequest[] = [];
  const items: IngestionItem[] = [];
  const behaviours: IngestionBehaviour[] = [];
  const waiting = new Set<() => void>();

  const store = (stored: readonly IngestionItem[]): void => {
    for (const item of stored) items.push(item);
    for (const check of waiting) check();
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const next = behaviours[0];
    if (next?.kind === 'reset' && next.when === 'before') {
      behaviours.shift();
      request.socket.resetAndDestroy();
      return;
    }
    receive(request)
      .then((received) => {
        const behaviour = behaviours.shift() ?? options.respond?.(received, requests.length) ?? ACCEPT;
        requests.push(received);
        act(behaviour, received, instrumentationKey, response, store);
      })
      .catch((error: unknown) => {
        answer(response, error instanceof NotIngestion ? error.status : 400, { message: 'Invalid JSON' });
      });
  };
  const server = options.tls === true ? createTlsServer(TLS, listener) : createServer(listener);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const url = `${options.tls === true ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    connectionString: `InstrumentationKey=${instrumentationKey};IngestionEndpoint=${url}/`,
    requests,
    items,
    behaviours,
    waitForItems: (count, timeoutMs) => waitFor(items, count, timeoutMs, waiting),
    close: () => closeServer(server),
  };
}

class NotIngestion extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`status ${status}`);
    this.status = status;
  }
}

async function receive(request: IncomingMessage): Promise<IngestionRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const path = request.url ?? '/';
  if (path !== '/v2.1/track' && path !== '/v2/track') throw new NotIngestion(404);
  if (request.method !== 'POST') throw new NotIngestion(405);
  const wire = Buffer.concat(chunks);
  const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(wire) : wire).toString('utf8');
  return { path, headers: request.headers, bytes: wire.length, items: decode(text) };
}

/** A JSON array, or one JSON object a line. */
function decode(text: string): IngestionItem[] {
  if (text.trimStart().startsWith('[')) return JSON.parse(text) as IngestionItem[];
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as IngestionItem);
}

function act(
  behaviour: IngestionBehaviour,
  request: IngestionRequest,
  instrumentationKey: string,
  response: ServerResponse,
  store: (items: readonly IngestionItem[]) => void,
): void {
  switch (behaviour.kind) {
    case 'status': {
      const type = behaviour.contentType ?? 'application/json; charset=utf-8';
      response.writeHead(behaviour.status, { 'content-type': type, ...behaviour.headers });
      response.end(behaviour.body ?? '');
      return;
    }
    case 'hang':
      return;
    case 'reset':
      if (behaviour.when === 'after') store(request.items);
      response.socket?.resetAndDestroy();
      return;
    case 'accept':
    case 'items':
    case 'drip': {
      const errors = { ...faultsOf(request.items, instrumentationKey), ...(behaviour.kind === 'items' ? behaviour.errors : {}) };
      const stored = request.items.filter((_, index) => errors[index] === undefined);
      store(stored);
      const body = trackResponse(request.items.length, stored.length, errors);
      const status = stored.length === request.items.length ? 200 : stored.length === 0 ? wholeStatus(errors) : 206;
      if (behaviour.kind === 'drip') dripOut(response, body, behaviour.everyMs);
      else answer(response, status, body);
    }
  }
}

/** What the service checks, as far as it is documented: the key, the envelope's fields, the limits on values and items. */
function faultsOf(items: readonly IngestionItem[], instrumentationKey: string): Record<number, ItemError> {
  const faults: Record<number, ItemError> = {};
  items.forEach((item, index) => {
    const message = faultOf(item, instrumentationKey);
    if (message !== undefined) faults[index] = { status: 400, message };
  });
  return faults;
}

function faultOf(item: IngestionItem, instrumentationKey: string): string | undefined {
  if (item.iKey !== instrumentationKey) return 'Invalid instrumentation key';
  if (Number.isNaN(Date.parse(item.time))) return "109: Field 'time' on type 'Envelope' is of incorrect type. Expected: date";
  if (typeof item.name !== 'string' || typeof item.data?.baseType !== 'string') return "104: Field 'name' on type 'Envelope' is required";
  if (Buffer.byteLength(JSON.stringify(item)) > 65_536) return '110: Telemetry item is too large';
  for (const [name, value] of Object.entries(item.data.baseData.properties ?? {})) {
    if (typeof value !== 'string') return `109: Field 'properties' on type 'EventData' is of incorrect type: ${name}`;
    if (name.length > 150 || Buffer.byteLength(value) > 8192) return `103: Field 'properties' on type 'EventData' is too long: ${name}`;
  }
  return undefined;
}

function wholeStatus(errors: Readonly<Record<number, ItemError>>): number {
  const statuses = new Set(Object.values(errors).map((error) => error.status));
  return statuses.size === 1 ? ([...statuses][0] ?? 400) : 206;
}

function trackResponse(received: number, accepted: number, errors: Readonly<Record<number, ItemError>>): object {
  return {
    itemsReceived: received,
    itemsAccepted: accepted,
    appId: null,
    errors: Object.entries(errors).map(([index, error]) => ({ index: Number(index), statusCode: error.status, message: error.message })),
  };
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(body));
}

function dripOut(response: ServerResponse, body: object, everyMs: number): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': bytes.length });
  let sent = 0;
  const timer = setInterval(() => {
    response.write(bytes.subarray(sent, sent + 1));
    sent += 1;
    if (sent === bytes.length) response.end();
  }, everyMs);
  response.once('close', () => clearInterval(timer));
}

function waitFor(
  items: readonly IngestionItem[],
  count: number,
  timeoutMs: number,
  waiting: Set<() => void>,
): Promise<readonly IngestionItem[]> {
  return new Promise((resolve, reject) => {
    const done = (settle: () => void): void => {
      clearTimeout(timer);
      waiting.delete(check);
      settle();
    };
    const check = (): void => {
      if (items.length >= count) done(() => resolve(items));
    };
    const late = (): void => done(() => reject(new Error(`${items.length} of ${count} items arrived within ${timeoutMs} ms`)));
    const timer = setTimeout(late, timeoutMs);
    waiting.add(check);
    check();
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
