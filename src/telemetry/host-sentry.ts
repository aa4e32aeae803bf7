/** Reads the active span of Sentry's own tracing, which from version 11 on does not pass through the OpenTelemetry API. */

import type { AuditSpan } from '../span.js';

interface SentryGlobal {
  /** Of the copy that was there first; the global keeps the state of each version under its number. */
  readonly version?: string;
  readonly [version: string]: unknown;
}

interface SentryCarrier {
  readonly acs?: { getCurrentScope?(): SentryScope | undefined };
}

/** Where version 10 and where version 11 keeps the span. */
interface SentryScope {
  readonly _sentrySpan?: SentrySpan;
  readonly refs?: { readonly span?: SentrySpan | WeakRef<SentrySpan> };
}

interface SentrySpan extends AuditSpan {
  readonly _sentryRootSpan?: AuditSpan;
}

/** The root of what is active: the request's span, of which the active one may be a child. */
export function sentrySpan(): AuditSpan | undefined {
  const sentry = (globalThis as { readonly __SENTRY__?: SentryGlobal }).__SENTRY__;
  if (sentry?.version === undefined) return undefined;
  const carrier = sentry[sentry.version] as SentryCarrier | undefined;
  const scope = carrier?.acs?.getCurrentScope?.();
  const reference = scope?._sentrySpan ?? scope?.refs?.span;
  const span = reference !== undefined && 'deref' in reference ? reference.deref() : reference;
  return span?._sentryRootSpan ?? span;
}
