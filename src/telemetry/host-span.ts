/** Reads the host's active span, and its HTTP metadata, out of whatever OpenTelemetry API it has registered. Touches nothing. */

import type { AuditSpan } from '../span.js';

// Both symbols are part of the API's cross-version agreement: reading them directly works for hosts whose API is older
// than ours, which `trace.getActiveSpan()` of our copy refuses, and loads no copy of the API at all.
const OTEL_API = Symbol.for('opentelemetry.js.api.1');
const SPAN_KEY = Symbol.for('OpenTelemetry Context Key SPAN');
const RPC_KEY = Symbol.for('OpenTelemetry SDK Context Key RPC_METADATA');

interface OtelGlobal {
  readonly context?: { active(): { getValue(key: symbol): unknown } };
}

export function hasOtelGlobal(): boolean {
  return (globalThis as Record<symbol, unknown>)[OTEL_API] !== undefined;
}

/** The span that is active here and now, if it has a valid context. */
export function activeHostSpan(): AuditSpan | undefined {
  const span = activeValue(SPAN_KEY) as AuditSpan | undefined;
  return span !== undefined && INVALID_TRACE_ID !== span.spanContext().traceId ? span : undefined;
}

/** What a framework's instrumentation will put the route in, once the framework has matched one. */
export function activeRpcMetadata(): object | undefined {
  const metadata = activeValue(RPC_KEY);
  return typeof metadata === 'object' && metadata !== null ? metadata : undefined;
}

function activeValue(key: symbol): unknown {
  const api = (globalThis as Record<symbol, unknown>)[OTEL_API] as OtelGlobal | undefined;
  return api?.context?.active().getValue(key);
}

const INVALID_TRACE_ID = '0'.repeat(32);
