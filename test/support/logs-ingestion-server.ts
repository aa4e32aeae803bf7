/** A local Logs Ingestion API with one rule and one table: takes, checks and stores as the documented one does, and misbehaves on request. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { COLUMNS, type LogsColumnType } from '../../exporters/azure-logs/columns.js';
import { TLS } from './tls.js';

export const RULE_ID = 'dcr-00000000000000000000000000000001';
const PATH = `/dataCollectionRules/${RULE_ID}/streams/`;
const STREAM = 'Custom-Audit_CL';
const MAX_CALL_BYTES = 1_048_576;
const MAX_FIELD_BYTES = 65_536;

type Row = Readonly<Record<string, unknown>>;

export type LogsBehaviour =
  | { readonly kind: 'accept' | 'hang' | 'reset before' | 'reset after' }
  | { readonly kind: 'drip'; readonly everyMs: number }
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    };

export interface LogsIngestionServer {
  readonly endpoint: string;
  /** As a query gives them, duplicates included. */
  readonly rows: readonly Row[];
  /** Uncompressed bytes of each call. */
  readonly calls: readonly number[];
  /** What was sent as `authorization`. */
  readonly tokens: readonly string[];
  /** One for each coming call, taken from the front. */
  readonly behaviours: LogsBehaviour[];
  close(): Promise<void>;
}

/** `respond` decides when `behaviours` is empty. */
export async function startLogsIngestionServer(
  respond?: (rows: readonly Row[]) => LogsBehaviour | undefined,
): Promise<LogsIngestionServer> {
  const rows: Row[] = [];
  const calls: number[] = [];
  const tokens: string[] = [];
  const behaviours: LogsBehaviour[] = [];
  const server = createServer(TLS, (request, response) => {
    void receive(request).then((text) => {
      tokens.push(request.headers.authorization ?? '');
      calls.push(Buffer.byteLength(text));
      const sent = JSON.parse(text) as Row[];
      act(behaviours.shift() ?? respond?.(sent) ?? { kind: 'accept' }, request, response, sent, text, (row) => rows.push(row));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    rows,
    calls,
    tokens,
    behaviours,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function receive(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return (request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString('utf8');
}

function act(
  behaviour: LogsBehaviour,
  request: IncomingMessage,
  response: ServerResponse,
  sent: readonly Row[],
  text: string,
  store: (row: Row) => void,
): void {
  if (behaviour.kind === 'status') {
    response.writeHead(behaviour.status, { 'content-type': 'application/json', ...behaviour.headers }).end(behaviour.body ?? '');
    return;
  }
  if (behaviour.kind === 'hang') return;
  if (behaviour.kind === 'reset before') return void request.socket.destroy();
  const [status, code] = faultOf(request, text);
  if (status !== undefined) {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error: { code, message: 'refused' } }));
    return;
  }
  for (const row of sent) store(stored(row));
  if (behaviour.kind === 'reset after') return void request.socket.destroy();
  if (behaviour.kind === 'drip') return dripOut(response, behaviour.everyMs);
  response.writeHead(204).end();
}

function faultOf(request: IncomingMessage, text: string): readonly [number?, string?] {
  const url = new URL(request.url ?? '/', 'https://127.0.0.1');
  if (!/^Bearer \S+$/.test(request.headers.authorization ?? '')) return [401, 'Unauthorized'];
  if (!url.pathname.startsWith(PATH)) return [404, 'NotFound'];
  if (url.pathname !== `${PATH}${STREAM}`) return [400, 'InvalidStream'];
  if (url.searchParams.get('api-version') === null) return [400, 'MissingApiVersion'];
  return Buffer.byteLength(text) > MAX_CALL_BYTES ? [413, 'ContentLengthLimitExceeded'] : [];
}

function dripOut(response: ServerResponse, everyMs: number): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  const timer = setInterval(() => response.write(' '), everyMs);
  response.once('close', () => clearInterval(timer));
}

/** What the table keeps of a row: columns it has, values of their type, texts up to the limit. */
function stored(row: Row): Row {
  return Object.fromEntries(COLUMNS.map(({ name, type }) => [name, kept(row[name], type)]));
}

function kept(value: unknown, type: LogsColumnType): unknown {
  if (value === undefined || value === null) return type === 'string' ? '' : null;
  switch (type) {
    case 'string':
      return Buffer.from(String(value)).subarray(0, MAX_FIELD_BYTES).toString('utf8');
    case 'dynamic':
      return Buffer.byteLength(JSON.stringify(value)) <= MAX_FIELD_BYTES ? value : null;
    case 'long':
      return Number.isSafeInteger(value) ? value : null;
    case 'real':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'datetime':
      return Number.isNaN(Date.parse(String(value))) ? null : new Date(String(value)).toISOString().replace('.000Z', 'Z');
  }
}
