/** What a service may say itself, inside a request and outside. Every function is a harmless no-op without a live pipeline. */

import type { ServiceWords } from './capture/exchange.js';
import { actorOf, outcomeOf, targetOf, tenantOf, textOf } from './event-record.js';
import type { AuditHealth } from './health.js';
import type { SourceRequest } from './identity/custom.js';
import { type JobContext, type LivePipeline, livePipeline, type ManualEvent } from './live.js';
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

/**
 * A service's own actions with the metadata of each, for `audit<Actions>(event)`:
 * `interface Actions { 'invoice.approved': { amount: number }; 'stock.counted': undefined }`.
 */
export type AuditEventOf<Actions> = { [Action in keyof Actions & string]: TypedEvent<Action, Actions[Action]> }[keyof Actions & string];
type TypedEvent<Action, Metadata> = Omit<AuditEvent, 'action' | 'metadata'> & { readonly action: Action } & (undefined extends Metadata
    ? { readonly metadata?: Metadata }
    : { readonly metadata: Metadata });
/** Any action, any metadata. */
export type AnyActions = Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;

/** What is done by a job or for a message, in whose name. */
export interface AuditContext {
  /** Given: the work becomes a record itself when it settles, with its duration and outcome. */
  readonly action?: string | undefined;
  /** Default: that of the request or job around it, else `system`. */
  readonly actor?: ActorInput | undefined;
  readonly tenant?: TenantInput | undefined;
  readonly target?: AuditTarget | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** The message's or the job's own id: on every record made within. */
  readonly requestId?: string | undefined;
  /** W3C `traceparent` of whoever sent the message. */
  readonly traceparent?: string | undefined;
}

export interface LoginEvent {
  /** Who; of a failed login who was claimed, which is recorded as unverified. */
  readonly actor?: ActorInput | undefined;
  /** Default `success`. */
  readonly outcome?: Outcome | undefined;
  readonly tenant?: TenantInput | undefined;
  /** `password`, `oidc`, `passkey` … and why it failed: never a credential. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  readonly error?: unknown;
}

export interface AuditReceipt {
  /** The record's id. */
  readonly id: string;
  /** The record's hash in its chain; undefined if it was dropped. Whoever keeps it can prove the record later. */
  readonly hash?: string | undefined;
  /** True: the record has been synced to this machine's disk. Delivery to the sinks goes on in the background. */
  readonly durable: boolean;
}

export interface CurrentAudit {
  /** Id of the record this request will become. */
  readonly id: string;
  /** The client's request id if it is sane, else `id`. Set by the caller; unverified. */
  readonly requestId: string;
}

export interface Audit {
  /**
   * Records something that no HTTP request says: a job, a queue message, a decision inside a handler. Inside a request it
   * carries that request's actor, tenant, request id and trace. Never rejects; need not be awaited.
   *
   * @returns The receipt once the record is on disk; `undefined` without a live pipeline or if it could not be recorded.
   */
  <Actions extends object = AnyActions>(event: AuditEventOf<Actions>): Promise<AuditReceipt | undefined>;
  /** Runs `work` in the name of a job; everything audited within carries its context. Answers and throws what `work` does. */
  run<Result>(context: AuditContext, work: () => Result): Result;
  /** Records `user.login`; a success also names the actor of the request it happens in. */
  login(event?: LoginEvent): Promise<AuditReceipt | undefined>;
  /** Records `user.logout`. */
  logout(event?: LoginEvent): Promise<AuditReceipt | undefined>;
}

export const audit: Audit = Object.assign(
  async (event: object): Promise<AuditReceipt | undefined> => {
    try {
      return await livePipeline()?.event(event as ManualEvent);
    } catch {
      return undefined;
    }
  },
  {
    run<Result>(context: AuditContext, work: () => Result): Result {
      const live = livePipeline();
      return live?.run === undefined ? work() : live.run(context as JobContext, work);
    },
    async login(event: LoginEvent = {}): Promise<AuditReceipt | undefined> {
      const isSuccess = (event.outcome ?? 'success') === 'success';
      if (isSuccess && event.actor !== undefined) setActor(event.actor);
      return audit({ ...event, action: 'user.login', actor: isSuccess ? event.actor : claimed(event.actor) });
    },
    async logout(event: LoginEvent = {}): Promise<AuditReceipt | undefined> {
      return audit({ ...event, action: 'user.logout' });
    },
  },
);

/** Nobody has proved to be who failed to log in. */
function claimed(actor: ActorInput | undefined): ActorInput | undefined {
  if (actor === undefined) return undefined;
  return typeof actor === 'string' ? { id: actor, verified: false } : { ...actor, verified: false };
}

/** The audit of the request or job whose code is running; undefined outside of one, or where the policy excludes it. */
export function currentAudit(): CurrentAudit | undefined {
  const scope = scopeNow();
  return scope && { id: scope.id, requestId: scope.requestId };
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

/** Says who acts, of what the request shows; `undefined` leaves it to the next source. Verified only if it says `verified: true`. */
export type IdentitySource = (request: SourceRequest) => ActorInput | null | undefined;
/** Says the tenant acted in; `undefined` leaves it to the next source. */
export type TenantSource = (request: SourceRequest) => TenantInput | null | undefined;

/**
 * Asks this function who acts in every request, where `AUDIT_IDENTITY_SOURCES` says `api` (first, by default). Not waited
 * for: it must answer at once. One that throws has no answer. Once at the service's start, after `startAudit` if that is called.
 */
export function addIdentitySource(identify: IdentitySource): void {
  livePipeline()?.addSource?.('identify', identify);
}

/** As `addIdentitySource`, for the tenant and `AUDIT_TENANT_SOURCES`. */
export function addTenantSource(tenantOf: TenantSource): void {
  livePipeline()?.addSource?.('tenantOf', tenantOf);
}

/**
 * Waits until what has been recorded is delivered, at most `timeoutMs` (default `AUDIT_SHUTDOWN_TIMEOUT_MS`). With
 * `AUDIT_WORKER=external`: until it is on the disk.
 */
export async function flushAudit(timeoutMs?: number): Promise<AuditHealth | undefined> {
  return await livePipeline()?.flush(timeoutMs);
}

/** How the trail of this process fares, for a readiness probe, and its counters. `undefined` without a live pipeline. */
export function auditHealth(): AuditHealth | undefined {
  return livePipeline()?.health();
}

/** The service's words may be anything at run time; a value that cannot be read must not reach its code as an error. */
function say(speak: (words: ServiceWords) => void): void {
  try {
    const scope = scopeNow();
    if (scope !== undefined) speak(scope.words);
  } catch {
    // A throwing getter: what it would have said is not said.
  }
}

/** An older copy of the package may have published a pipeline that knows requests only. */
function scopeNow(): ReturnType<NonNullable<LivePipeline['scope']>> {
  const live = livePipeline();
  return live?.scope === undefined ? live?.current() : live.scope();
}
