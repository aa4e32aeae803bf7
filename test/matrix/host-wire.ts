/** What the hosts send over the wire, read back as spans. */

import { createRequire } from 'node:module';
import path from 'node:path';
import type { CollectedRequest } from '../support/collector.js';

/** A span as the host reported it. */
export interface HostSpan {
  readonly traceId: string;
  readonly isServer: boolean;
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

interface OtlpSpan {
  readonly traceId: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes?: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
}

/** OTLP as JSON over HTTP. */
export function otlpSpans(requests: readonly CollectedRequest[]): readonly HostSpan[] {
  interface Export {
    readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[] }[];
  }
  const exported = requests.filter(({ path: at }) => at === '/v1/traces').map(({ body }) => JSON.parse(body.toString()) as Export);
  const spans = exported.flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
  );
  return spans.map(({ traceId, name, kind, attributes = [] }) => ({
    traceId,
    name,
    isServer: kind === 2,
    attributes: Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]])),
  }));
}

/** Application Insights envelopes, as an array or one a line. */
export function azureSpans(requests: readonly CollectedRequest[]): readonly HostSpan[] {
  interface Envelope {
    readonly tags: Readonly<Record<string, string>>;
    readonly data: {
      readonly baseType: string;
      readonly baseData: { readonly name: string; readonly properties?: Record<string, string> };
    };
  }
  const tracked = requests.filter(({ path: at }) => at.endsWith('/track')).map(({ body }) => body.toString().trim());
  const envelopes = tracked.flatMap((text) => JSON.parse(text.startsWith('[') ? text : `[${text.split('\n').join(',')}]`) as Envelope[]);
  return envelopes
    .filter(({ data }) => data.baseType === 'RequestData' || data.baseType === 'RemoteDependencyData')
    .map(({ tags, data: { baseType, baseData } }) => ({
      traceId: tags['ai.operation.id'] ?? '',
      name: baseData.name,
      isServer: baseType === 'RequestData',
      attributes: baseData.properties ?? {},
    }));
}

/** Sentry's envelopes: a header line, then for each item a header line and a payload line, a transaction or a list of spans. */
export function sentrySpans(requests: readonly CollectedRequest[]): readonly HostSpan[] {
  const lines = requests
    .filter(({ path: at }) => at.includes('/envelope'))
    .flatMap(({ body }) => body.toString().split('\n').filter(Boolean));
  return lines
    .map((line) => JSON.parse(line) as SentryPayload)
    .flatMap((payload) => [...transactionSpans(payload), ...streamedSpans(payload)]);
}

interface SentrySpan {
  readonly trace_id: string;
  readonly op?: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly description?: string;
}

interface SentryPayload {
  readonly type?: string;
  readonly transaction?: string;
  readonly contexts?: { readonly trace: SentrySpan };
  readonly spans?: readonly SentrySpan[];
  readonly items?: readonly {
    readonly trace_id: string;
    readonly name: string;
    readonly attributes: Readonly<Record<string, { readonly value: unknown }>>;
  }[];
}

function transactionSpans({ type, transaction = '', contexts, spans = [] }: SentryPayload): readonly HostSpan[] {
  if (type !== 'transaction' || contexts === undefined) return [];
  const { trace } = contexts;
  const children = spans.map(({ trace_id, description = '', data = {} }) => ({
    traceId: trace_id,
    name: description,
    isServer: false,
    attributes: data,
  }));
  return [{ traceId: trace.trace_id, name: transaction, isServer: trace.op === 'http.server', attributes: trace.data ?? {} }, ...children];
}

/** Since version 11. */
function streamedSpans({ items = [] }: SentryPayload): readonly HostSpan[] {
  return items.map(({ trace_id, name, attributes }) => {
    // Sentry learns the system's name while the first requests are served.
    const steady = Object.entries(attributes ?? {}).filter(([key]) => !key.startsWith('os.'));
    const values = Object.fromEntries(steady.map(([key, { value }]) => [key, value]));
    return { traceId: trace_id, name, isServer: values['sentry.op'] === 'http.server', attributes: values };
  });
}

/** The agent's msgpack: traces of spans. The upper half of a 128-bit trace id is a tag. */
export function datadogSpans(requests: readonly CollectedRequest[], directory: string): readonly HostSpan[] {
  interface DatadogSpan {
    readonly trace_id: bigint | number;
    readonly name: string;
    readonly meta: Readonly<Record<string, string>>;
    readonly metrics: Readonly<Record<string, number>>;
  }
  type Decode = (bytes: Uint8Array, options: { useBigInt64: boolean }) => unknown;
  const { decode } = createRequire(path.join(directory, 'package.json'))('@msgpack/msgpack') as { decode: Decode };
  const traces = requests
    .filter(({ path: at }) => at.endsWith('/traces'))
    .flatMap(({ body }) => decode(body, { useBigInt64: true }) as DatadogSpan[][]);
  return traces.flatMap((spans) => {
    const upper = spans.map(({ meta }) => meta['_dd.p.tid']).find((tid) => tid !== undefined) ?? '';
    return spans.map(({ trace_id, name, meta, metrics }) => ({
      traceId: `${upper.padStart(16, '0')}${trace_id.toString(16).padStart(16, '0')}`,
      name,
      isServer: meta['span.kind'] === 'server',
      attributes: { ...metrics, ...meta },
    }));
  });
}
