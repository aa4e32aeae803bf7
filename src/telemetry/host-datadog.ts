/** Reads the active span of Datadog's tracer, which publishes itself as a global and speaks its own API. */

import type { AuditSpan } from '../span.js';

interface Datadog {
  scope(): { active(): DatadogSpan | null };
}

interface DatadogSpan {
  context(): DatadogContext;
  addTags(tags: Readonly<Record<string, unknown>>): unknown;
}

interface DatadogContext {
  /** True: 128 bits in hexadecimal, as W3C and the record have it. */
  toTraceId(as128Bits: boolean): string;
  toSpanId(asHexadecimal: boolean): string;
  readonly _trace?: { readonly started?: readonly DatadogSpan[] };
}

export function datadogSpan(): AuditSpan | undefined {
  const tracer = (globalThis as { readonly _ddtrace?: Datadog })._ddtrace;
  const active = tracer?.scope().active();
  return active ? asAuditSpan(localRootOf(active)) : undefined;
}

/** A tracer keeps the spans it started for a trace, first the one that the request began with. */
function localRootOf(span: DatadogSpan): DatadogSpan {
  return span.context()._trace?.started?.[0] ?? span;
}

function asAuditSpan(span: DatadogSpan): AuditSpan {
  const context = span.context();
  return {
    isRecording: () => true,
    spanContext: () => ({ traceId: context.toTraceId(true), spanId: context.toSpanId(true) }),
    setAttributes: (attributes) => span.addTags(attributes),
  };
}
