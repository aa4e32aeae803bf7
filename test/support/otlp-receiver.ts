/** An OTLP/HTTP receiver for logs that decodes the real protobuf by the published schema, and answers as told. */

import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';
import { listen } from './audited-server.js';

export interface ReceivedLog {
  readonly eventName: string;
  readonly timeUnixNano: bigint;
  readonly observedTimeUnixNano: bigint;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly body: unknown;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
  readonly scope: string;
}

export type ReceiverBehaviour =
  | { readonly kind: 'accept' }
  /** A partial success: so many of the request were not stored. */
  | { readonly kind: 'partial'; readonly rejected: number; readonly message?: string }
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  | { readonly kind: 'reset before' }
  | { readonly kind: 'reset after' }
  | { readonly kind: 'hang' };

export interface OtlpReceiver {
  readonly endpoint: string;
  readonly logs: readonly ReceivedLog[];
  readonly requests: readonly {
    readonly path: string;
    readonly headers: IncomingMessage['headers'];
    readonly bytes: number;
    readonly count: number;
  }[];
  /** For the next requests, in order; then `behaviourOf`. */
  readonly behaviours: ReceiverBehaviour[];
  close(): Promise<void>;
}

/** `behaviourOf`: by what a request holds. Default: accept. */
export async function startOtlpReceiver(
  behaviourOf: (logs: readonly ReceivedLog[]) => ReceiverBehaviour = () => ({ kind: 'accept' }),
): Promise<OtlpReceiver> {
  const logs: ReceivedLog[] = [];
  const requests: { path: string; headers: IncomingMessage['headers']; bytes: number; count: number }[] = [];
  const behaviours: ReceiverBehaviour[] = [];

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const sent = Buffer.concat(chunks);
    const received = decode(request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent);
    requests.push({ path: request.url ?? '', headers: request.headers, bytes: sent.length, count: received.length });
    const behaviour = behaviours.shift() ?? behaviourOf(received);
    if (behaviour.kind === 'hang') return;
    if (behaviour.kind === 'reset before') return void request.socket.resetAndDestroy();
    if (behaviour.kind === 'status') {
      response.writeHead(behaviour.status, behaviour.headers).end(behaviour.body);
      return;
    }
    const rejected = behaviour.kind === 'partial' ? behaviour.rejected : 0;
    logs.push(...received.slice(0, received.length - rejected));
    if (behaviour.kind === 'reset after') return void request.socket.resetAndDestroy();
    const message = behaviour.kind === 'partial' ? (behaviour.message ?? 'no') : '';
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end(encodeAnswer(rejected, message));
  }

  const server = await listen(
    http.createServer((request, response) => {
      answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
    }),
  );
  return { endpoint: server.url, logs, requests, behaviours, close: async () => server.close() };
}

// opentelemetry-proto 1.x: collector/logs/v1, logs/v1, resource/v1 and common/v1, as much as logs need.
const SCHEMA = `
syntax = "proto3";
message ExportLogsServiceRequest { repeated ResourceLogs resource_logs = 1; }
message ExportLogsServiceResponse { ExportLogsPartialSuccess partial_success = 1; }
message ExportLogsPartialSuccess { int64 rejected_log_records = 1; string error_message = 2; }
message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; string schema_url = 3; }
message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
message ScopeLogs { InstrumentationScope scope = 1; repeated LogRecord log_records = 2; string schema_url = 3; }
message InstrumentationScope { string name = 1; string version = 2; repeated KeyValue attributes = 3; }
message LogRecord {
  fixed64 time_unix_nano = 1; int32 severity_number = 2; string severity_text = 3; AnyValue body = 5; repeated KeyValue attributes = 6;
  uint32 dropped_attributes_count = 7; fixed32 flags = 8; bytes trace_id = 9; bytes span_id = 10; fixed64 observed_time_unix_nano = 11;
  string event_name = 12;
}
message KeyValue { string key = 1; AnyValue value = 2; }
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
message AnyValue {
  oneof value {
    string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; ArrayValue array_value = 5;
    KeyValueList kvlist_value = 6; bytes bytes_value = 7;
  }
}
`;
const { root } = protobuf.parse(SCHEMA, { keepCase: false });
const REQUEST = root.lookupType('ExportLogsServiceRequest');
const RESPONSE = root.lookupType('ExportLogsServiceResponse');

interface Value {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string;
  readonly doubleValue?: number;
  readonly arrayValue?: { readonly values?: readonly Value[] };
}

interface KeyValue {
  readonly key: string;
  readonly value: Value;
}

interface DecodedLog {
  readonly timeUnixNano: string;
  readonly observedTimeUnixNano: string;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly eventName: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly body?: Value;
  readonly attributes: readonly KeyValue[];
}

interface DecodedRequest {
  readonly resourceLogs?: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeLogs: readonly { readonly scope?: { readonly name: string }; readonly logRecords: readonly DecodedLog[] }[];
  }[];
}

function decode(bytes: Uint8Array): readonly ReceivedLog[] {
  const message = REQUEST.toObject(REQUEST.decode(bytes), { longs: String, bytes: String, defaults: false, arrays: true });
  return ((message as DecodedRequest).resourceLogs ?? []).flatMap(({ resource, scopeLogs }) =>
    scopeLogs.flatMap(({ scope, logRecords }) =>
      logRecords.map((log) => ({
        eventName: log.eventName ?? '',
        timeUnixNano: BigInt(log.timeUnixNano ?? 0),
        observedTimeUnixNano: BigInt(log.observedTimeUnixNano ?? 0),
        severityNumber: log.severityNumber ?? 0,
        severityText: log.severityText ?? '',
        traceId: hexOf(log.traceId),
        spanId: hexOf(log.spanId),
        body: log.body === undefined ? undefined : plainOf(log.body),
        attributes: objectOf(log.attributes),
        resource: objectOf(resource.attributes),
        scope: scope?.name ?? '',
      })),
    ),
  );
}

function encodeAnswer(rejected: number, message: string): Uint8Array {
  const partialSuccess = rejected === 0 && message === '' ? undefined : { rejectedLogRecords: rejected, errorMessage: message };
  return RESPONSE.encode(RESPONSE.create({ partialSuccess })).finish();
}

function objectOf(pairs: readonly KeyValue[] | undefined): Readonly<Record<string, unknown>> {
  return Object.fromEntries((pairs ?? []).map(({ key, value }) => [key, plainOf(value)]));
}

function plainOf(value: Value): unknown {
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(plainOf);
  return value.stringValue ?? value.boolValue ?? value.doubleValue;
}

function hexOf(base64: string | undefined): string {
  return base64 === undefined ? '' : Buffer.from(base64, 'base64').toString('hex');
}
