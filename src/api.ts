/** What a service may say itself, inside a request and outside. Every function is a harmless no-op without a live pipeline. */

import type { ServiceWords } from './capture/exchange.js';
import { actorOf, outcomeOf, targetOf, tenantOf, textOf } from './event-record.js';
import type { AuditHealth } from './health.js';
import { livePipeline, type ManualEvent } from './live.js';
import type { AuditActor, AuditTarget, AuditTenant, Outcome } from './record.js';

/** An actor as a service names it; `type` is `user` and `verified` is true unless said otherwise. */
export type ActorInput = string | (Pick<AuditActor, 'id'> & Partial<Omit<AuditActor, 'source'>>);
/** A tenant's id, or more of it. */
export type TenantInput = string | AuditTenant;

export interface AuditEvent {
  /** `invoice.approved`: what was done to what. */
  readonly action: string;
  /** Default `success`. */
  readonly outcome?: Outcome | undefined;
  /** Default: the request's actor, else `system`. */
  readonly actor?: ActorInput | undefined;
  /** Default: the request's tenant. */
  readonly tenant?: TenantInput | undefined;
  readonly target?: AuditTarget | undefined;
  /** Redacted and bounded (depth, 1,024 bytes a text, 16 KiB in all). */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  readonly error?: unknown;
}

export interface AuditReceipt {
  /** The record's id. */
  readonly id: string;
  /** True: the record has been synced to this machine's disk. Delivery to the sinks goes on in the background. */
  readonly durable: boolean;
}

export interface CurrentAudit {
  /** Id of the record this request will become. */
  readonly id: string;
  /** The client's request id if it is sane, else `id`. Set by the caller; unverified. */
  readonly requestId: string;
}

/**
 * Records something that no HTTP request says: a job, a queue message, a decision inside a handler. Inside a request it
 * carries that request's actor, tenant, request id and trace. Never rejects; need not be awaited.
 *
 * @returns The receipt once the record is on disk; `undefined` without a live pipeline or if it could not be recorded.
 */
export async function audit(event: AuditEvent): Promise<AuditReceipt | undefined> {
  try {
    return await livePipeline()?.event(event as ManualEvent);
  } catch {
    return undefined;
  }
}

/** The audit of the request whose handler is running; undefined outside of one, or where the policy excludes it. */
export function currentAudit(): CurrentAudit | undefined {
  const exchange = livePipeline()?.current();
  return exchange && { id: exchange.id, requestId: exchange.requestId };
}

/** Names who does this request. Trusted as the service's own word: `verified: true` unless it says `verified: false`. */
export function setActor(actor: ActorInput): void {
  say((words) => {
    words.actor = actorOf(actor) ?? words.actor;
  });
}

/** Names the tenant acted in. */
export function setTenant(tenant: TenantInput): void {
  say((words) => {
    words.tenant = tenantOf(tenant) ?? words.tenant;
  });
}

/** Names what is acted on. */
export function setTarget(target: AuditTarget): void {
  say((words) => {
    words.target = targetOf(target) ?? words.target;
  });
}

/** Replaces the derived action. */
export function setAction(action: string): void {
  say((words) => {
    words.action = textOf(action) ?? words.action;
  });
}

/** Replaces the outcome that the status says: a 200 that refuses is a `failure`. */
export function setOutcome(outcome: Outcome): void {
  say((words) => {
    words.outcome = outcomeOf(outcome) ?? words.outcome;
  });
}

/** Adds to the record's `metadata`; later values win. Redacted and bounded when the request closes. */
export function addMetadata(metadata: Readonly<Record<string, unknown>>): void {
  say((words) => {
    words.metadata = { ...words.metadata, ...metadata };
  });
}

/** Leaves this request out of the trail. Counted as `skipped`. */
export function skipAudit(): void {
  say((words) => {
    words.skip = true;
  });
}

/** Waits until what has been recorded is delivered, at most `timeoutMs` (default `AUDIT_SHUTDOWN_TIMEOUT_MS`). */
export async function flushAudit(timeoutMs?: number): Promise<AuditHealth | undefined> {
  return await livePipeline()?.flush(timeoutMs);
}

/** The counters of this process. `undefined` without a live pipeline. */
export function auditHealth(): AuditHealth | undefined {
  return livePipeline()?.health();
}

/** The service's words may be anything at run time; a value that cannot be read must not reach its code as an error. */
function say(speak: (words: ServiceWords) => void): void {
  try {
    const exchange = livePipeline()?.current();
    if (exchange !== undefined) speak(exchange.words);
  } catch {
    // A throwing getter: what it would have said is not said.
  }
}
