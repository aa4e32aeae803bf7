/**
 * The live pipeline of this thread, published under one global symbol: a bundled or second copy of the package joins the
 * pipeline that is there. Additions must be optional; a change that breaks an older copy needs a new symbol.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Exchange, ServiceWords } from './capture/exchange.js';
import type { AuditHttpHooks } from './capture/hooks.js';
import type { ChangeLink } from './change-link.js';
import type { AuditHealth } from './health.js';
import type { AuditRecord, Outcome } from './record.js';
import type { AuditSpan } from './span.js';

/** What a caller of `audit()` says, before redaction and bounds. */
export interface ManualEvent {
  readonly action: string;
  readonly outcome?: Outcome | undefined;
  readonly actor?: unknown;
  readonly tenant?: unknown;
  readonly target?: unknown;
  readonly metadata?: unknown;
  readonly error?: unknown;
}

/** What a caller of `audit.run()` says about the work, unchecked. */
export interface JobContext {
  readonly action?: unknown;
  readonly actor?: unknown;
  readonly tenant?: unknown;
  readonly target?: unknown;
  readonly metadata?: unknown;
  readonly requestId?: unknown;
  readonly traceparent?: unknown;
}

export interface LivePipeline {
  readonly hooks: AuditHttpHooks;
  current(): Exchange | undefined;
  exchangeOf(message: IncomingMessage | ServerResponse): Exchange | undefined;
  /** Resolves once the record is on disk. */
  event(event: ManualEvent): Promise<{ readonly id: string; readonly hash?: string | undefined; readonly durable: boolean } | undefined>;
  /** The request or job whose code is running. */
  scope?(): { readonly id: string; readonly requestId: string; readonly words: ServiceWords } | undefined;
  /** Runs a job; with an action it becomes a record when it settles. Answers and throws what the work does. */
  run?<Result>(context: JobContext, work: () => Result): Result;
  /** Asks this function of the service's own who acts, and in which tenant, from the next request on. */
  addSource?(kind: 'identify' | 'tenantOf', own: unknown): void;
  /** For drivers and ORM adapters; undefined with `AUDIT_CAPTURE_ORM_DIFFS=false`. */
  readonly changes?: Pick<ChangeLink, 'carrier' | 'seen'> | undefined;
  /** A span that our processor saw end. */
  spanEnded(span: AuditSpan & { readonly attributes?: Readonly<Record<string, unknown>> }): void;
  /** A log record that our processor saw emitted; `carried` is the record our own logger sent with it. */
  logEmitted(attributes: Readonly<Record<string, unknown>>, carried: AuditRecord | undefined): void;
  flush(timeoutMs?: number): Promise<AuditHealth>;
  health(): AuditHealth;
  shutdown(timeoutMs?: number): Promise<void>;
}

const LIVE = Symbol.for('otel-audit.v1');

export function livePipeline(): LivePipeline | undefined {
  return (globalThis as Record<symbol, unknown>)[LIVE] as LivePipeline | undefined;
}

export function publishPipeline(pipeline: LivePipeline | undefined): void {
  Object.defineProperty(globalThis, LIVE, { value: pipeline, configurable: true, enumerable: false, writable: true });
}
