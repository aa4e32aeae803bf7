/** The audit record: what every part of the package agrees on. Bounded, redacted and immutable once built. */

/** Version of the record's shape. Raised when a reader of the old shape would misread the new one. */
export const SCHEMA_VERSION = 1;

export const RECORD_KINDS = ['http', 'event', 'change', 'amendment', 'loss', 'lifecycle'] as const;
export type RecordKind = (typeof RECORD_KINDS)[number];

export const OUTCOMES = ['success', 'failure', 'aborted', 'unknown'] as const;
/**
 * `success`: a finished response below 400. `failure`: a finished response from 400, or said by the service.
 * `aborted`: the transfer was cut. `unknown`: nobody can know, e.g. the process ended in the handler.
 */
export type Outcome = (typeof OUTCOMES)[number];

export type BodyFormat = 'json' | 'text';

/**
 * Why a body is not in the record: `level` (the policy does not keep it), `binary`, `encoding` (compressed in a
 * way not decoded), `stream` (endless by type), `unparsable` (not understood, so not stored), `bomb` (decodes to too much),
 * `key` (it was to be encrypted with its actor's key, and there was none to be had).
 */
export type BodyOmission = 'level' | 'binary' | 'encoding' | 'stream' | 'unparsable' | 'bomb' | 'key';

export interface AuditActor {
  /** `<tid>:<oid>` for Entra tokens that have both, else `sub`; `anonymous` without any identity. */
  readonly id: string;
  /** `user`, `service`, `system`, `anonymous`, or the service's own word through `AUDIT_ACTOR_TYPE_ALIASES`. */
  readonly type: string;
  /** Display only: mutable, never a key. */
  readonly email?: string | undefined;
  readonly name?: string | undefined;
  readonly roles?: readonly string[] | undefined;
  /** What the client app was allowed to do for the actor: `scp` or `scope` of its token. */
  readonly scopes?: readonly string[] | undefined;
  /** As the directory names them; Entra ID does by their ids. */
  readonly groups?: readonly string[] | undefined;
  readonly tenantId?: string | undefined;
  /** The application that acts for the actor (`azp` or `appid`). */
  readonly clientApp?: string | undefined;
  /** Which resolver said so: `jwt`, `api`, `framework`, `telemetry` … */
  readonly source?: string | undefined;
  /** False: the client merely claims it. */
  readonly verified: boolean;
}

export interface AuditTenant {
  readonly id?: string | undefined;
  readonly slug?: string | undefined;
}

export interface AuditTarget {
  readonly type?: string | undefined;
  readonly id?: string | undefined;
}

/** One transferred body. `bodySize` counts all bytes on the wire, kept or not. */
export interface AuditBody {
  readonly contentType?: string | undefined;
  /** Redacted text. With `bodyFormat: 'json'` it is valid JSON, also when cut. */
  readonly body?: string | undefined;
  readonly bodyFormat?: BodyFormat | undefined;
  readonly bodySize?: number | undefined;
  readonly bodyTruncated?: boolean | undefined;
  readonly bodyOmitted?: BodyOmission | undefined;
  /** HMAC-SHA-256 with `AUDIT_HASH_KEY` of a whole body that is omitted as `binary` or `unparsable`; lower-case hex. */
  readonly bodyHash?: string | undefined;
}

export interface AuditRequest extends AuditBody {
  /** The client's `X-Request-ID` if it is sane, else the record's id. Set by the caller; unverified. */
  readonly id: string;
  readonly method?: string | undefined;
  readonly path?: string | undefined;
  /** The route pattern the framework matched: `/orders/:id`. */
  readonly route?: string | undefined;
  /** Redacted query string without the question mark. */
  readonly query?: string | undefined;
  /** An allow-list of headers, redacted. Names in lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface AuditResponse extends AuditBody {
  /** Status sent, if a status line was sent. */
  readonly status?: number | undefined;
}

export interface AuditGeo {
  readonly country?: string | undefined;
  readonly region?: string | undefined;
  readonly city?: string | undefined;
  /** Number of the autonomous system that announces the address. */
  readonly asn?: number | undefined;
}

export interface AuditClient {
  /** Canonical IP address. The peer of the socket unless a trusted proxy says otherwise. */
  readonly address?: string | undefined;
  readonly port?: number | undefined;
  /** Address of the socket's peer, where a trusted proxy told another one for the client. */
  readonly peer?: string | undefined;
  /** Raw `Forwarded` or `X-Forwarded-For`. Set by the caller; unverified. */
  readonly forwarded?: string | undefined;
  readonly userAgent?: string | undefined;
  readonly geo?: AuditGeo | undefined;
}

export interface AuditTrace {
  readonly traceId: string;
  readonly spanId?: string | undefined;
}

export interface AuditService {
  readonly name: string;
  readonly version?: string | undefined;
  readonly instanceId?: string | undefined;
}

export interface AuditFailure {
  readonly type?: string | undefined;
  /** Redacted. */
  readonly message?: string | undefined;
}

/** A JSON value as it stands in `metadata` and `changes`. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };
export type JsonObject = { readonly [key: string]: JsonValue };

export interface AuditRecord {
  /** UUIDv7, made when the request starts. The idempotency key in every sink. */
  readonly id: string;
  readonly schemaVersion: number;
  readonly kind: RecordKind;
  /** Only in start records. */
  readonly phase?: 'start' | undefined;
  /** Id of the record this one belongs to or amends. */
  readonly refersTo?: string | undefined;
  /** When it happened (for requests: when they started). RFC 3339 UTC, milliseconds. */
  readonly time: string;
  /** When it was recorded. RFC 3339 UTC, milliseconds. */
  readonly observedTime: string;
  /** `order.created` */
  readonly action: string;
  readonly outcome: Outcome;
  readonly actor: AuditActor;
  readonly tenant?: AuditTenant | undefined;
  readonly target?: AuditTarget | undefined;
  readonly request?: AuditRequest | undefined;
  readonly response?: AuditResponse | undefined;
  /** From the request's arrival to the response's close, in milliseconds. */
  readonly durationMs?: number | undefined;
  readonly client?: AuditClient | undefined;
  readonly trace?: AuditTrace | undefined;
  readonly service: AuditService;
  readonly error?: AuditFailure | undefined;
  readonly changes?: readonly JsonObject[] | undefined;
  readonly metadata?: JsonObject | undefined;
  /** Set by the journal. */
  readonly integrity?: AuditIntegrity | undefined;
}

/** The record's place in its stream's hash chain. */
export interface AuditIntegrity {
  /** The stream: one process's journal. */
  readonly stream: string;
  /** Raised when a stream's chain starts anew. */
  readonly epoch: number;
  /** Gapless from 1 within stream and epoch. */
  readonly seq: number;
  /** Hash of the record before it, lower-case hex; SHA-256 of the empty string for the first. */
  readonly prevHash: string;
  /** SHA-256, lower-case hex, over the record's RFC 8785 form without this member. */
  readonly hash: string;
}

/** A record that the journal holds: what exporters get. */
export type JournalledRecord = AuditRecord & { readonly integrity: AuditIntegrity };

/** The actor of a request without any identity. */
export const ANONYMOUS: AuditActor = { id: 'anonymous', type: 'anonymous', verified: false };

/** The actor of work that no request asked for. */
export const SYSTEM: AuditActor = { id: 'system', type: 'system', source: 'api', verified: true };
