/** Finds the host's span of the running request, and its HTTP metadata, whatever the host is. Touches nothing, and loads no copy of any API. */

import type { AuditSpan } from '../span.js';
import { datadogSpan } from './host-datadog.js';
import { sentrySpan } from './host-sentry.js';

// These symbols are part of the API's cross-version agreement: reading them directly works for hosts whose API is older
// than ours, which `trace.getActiveSpan()` of our copy refuses.
const OTEL_API = Symbol.for('opentelemetry.js.api.1');
const SPAN_KEY = Symbol.for('OpenTelemetry Context Key SPAN');
const RPC_KEY = Symbol.for('OpenTelemetry SDK Context Key RPC_METADATA');

interface OtelGlobal {
  readonly context?: { active(): { getValue(key: symbol): unknown } };
}

export function hasOtelGlobal(): boolean {
  return (globalThis as Record<symbol, unknown>)[OTEL_API] !== undefined;
}

/** The server span of the request that is handled here and now, if the host has one with a valid context. */
export function activeHostSpan(): AuditSpan | undefined {
  return otelSpan() ?? sentrySpan() ?? datadogSpan();
}

/** What a framework's instrumentation will put the route in, once the framework has matched one. */
export function activeRpcMetadata(): object | undefined {
  const metadata = activeValue(RPC_KEY);
  return typeof metadata === 'object' && metadata !== null ? metadata : undefined;
}

function otelSpan(): AuditSpan | undefined {
  // The active span may be a child by now; HTTP instrumentations leave the server span in the RPC metadata.
  const { span: own } = (activeRpcMetadata() ?? {}) as { readonly span?: AuditSpan };
  const span = own ?? serverSpan(activeValue(SPAN_KEY) as SpanOfKind | undefined);
  return span !== undefined && INVALID_TRACE_ID !== span.spanContext().traceId ? span : undefined;
}

interface SpanOfKind extends AuditSpan {
  readonly kind?: number;
}

/** A server that began to listen inside a span has that one active wherever its requests have none: it is not theirs. */
function serverSpan(span: SpanOfKind | undefined): AuditSpan | undefined {
  return span?.kind === undefined || span.kind === KIND_SERVER ? span : undefined;
}

function activeValue(key: symbol): unknown {
  const api = (globalThis as Record<symbol, unknown>)[OTEL_API] as OtelGlobal | undefined;
  return api?.context?.active().getValue(key);
}

const KIND_SERVER = 1;
const INVALID_TRACE_ID = '0'.repeat(32);
