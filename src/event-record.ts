/** Builds records of what no HTTP exchange made: manual events, and foreign telemetry that carries the flag. */

import { v7 as uuidv7 } from 'uuid';
import { isoTime } from './clock.js';
import type { ManualEvent } from './live.js';
import {
  type AuditActor,
  type AuditRecord,
  type AuditRequest,
  type AuditService,
  type AuditTarget,
  type AuditTenant,
  type JsonObject,
  OUTCOMES,
  type Outcome,
  RECORD_KINDS,
  type RecordKind,
  SCHEMA_VERSION,
  SYSTEM,
} from './record.js';
import { membersOf, type PartialRecord } from './record-attributes.js';
import { boundRecord } from './record-bounds.js';
import type { Redactor } from './redaction/redactor.js';

/** What an event inherits from the request it happens in. */
export interface EventContext {
  readonly actor?: AuditActor | undefined;
  readonly tenant?: AuditTenant | undefined;
  readonly request?: AuditRequest | undefined;
  readonly refersTo?: string | undefined;
  readonly trace?: AuditRecord['trace'];
}

/** A manual event. Values come from plain JavaScript too, so none is trusted to have its type. */
export function recordOfEvent(event: ManualEvent, context: EventContext, service: AuditService, redactor: Redactor): AuditRecord {
  const now = isoTime(Date.now());
  return boundRecord({
    id: uuidv7(),
    schemaVersion: SCHEMA_VERSION,
    kind: 'event',
    refersTo: context.refersTo,
    time: now,
    observedTime: now,
    action: textOf(event.action) ?? 'unknown',
    outcome: outcomeOf(event.outcome) ?? 'success',
    actor: actorOf(event.actor) ?? context.actor ?? SYSTEM,
    tenant: tenantOf(event.tenant) ?? context.tenant,
    target: targetOf(event.target),
    request: context.request,
    trace: context.trace,
    service,
    error: errorOf(event.error, redactor),
    metadata: metadataOf(event.metadata, redactor),
  });
}

/** Anything of a host's telemetry that carries `audit.flagged: true`: its own id, and never trusted. */
export function recordOfTelemetry(attributes: Readonly<Record<string, unknown>>, service: AuditService, redactor: Redactor): AuditRecord {
  const members: PartialRecord = membersOf(attributes);
  const now = isoTime(Date.now());
  return boundRecord({
    ...(members as Partial<AuditRecord>),
    id: uuidv7(),
    schemaVersion: SCHEMA_VERSION,
    kind: RECORD_KINDS.includes(members.kind as RecordKind) ? (members.kind as RecordKind) : 'event',
    phase: undefined,
    refersTo: undefined,
    time: timeOf(members.time) ?? now,
    observedTime: now,
    action: textOf(members.action) ?? 'telemetry.recorded',
    outcome: outcomeOf(members.outcome) ?? 'unknown',
    actor: { ...(actorOf(members.actor) ?? { id: 'unknown', type: 'user' }), source: 'telemetry', verified: false },
    request: redactedRequest(members.request as AuditRequest | undefined, redactor),
    response: members.response && { ...members.response, bodyHash: undefined, ...redactedBody(members.response as AuditRequest, redactor) },
    client: undefined,
    trace: undefined,
    service,
    error: errorOf(members.error, redactor),
    changes: undefined,
    metadata: metadataOf(members.metadata, redactor),
    integrity: undefined,
  });
}

/** An actor as the service names it. `verified` unless it says otherwise: the service is who decides. */
export function actorOf(value: unknown): AuditActor | undefined {
  const id = textOf(typeof value === 'object' ? memberOf(value, 'id') : value);
  if (id === undefined) return undefined;
  return {
    id,
    type: textOf(memberOf(value, 'type')) ?? 'user',
    email: textOf(memberOf(value, 'email')),
    name: textOf(memberOf(value, 'name')),
    roles: textsOf(memberOf(value, 'roles')),
    scopes: textsOf(memberOf(value, 'scopes')),
    groups: textsOf(memberOf(value, 'groups')),
    tenantId: textOf(memberOf(value, 'tenantId')),
    clientApp: textOf(memberOf(value, 'clientApp')),
    source: 'api',
    verified: memberOf(value, 'verified') !== false,
  };
}

function textsOf(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? value.map(String) : undefined;
}

export function tenantOf(value: unknown): AuditTenant | undefined {
  if (typeof value === 'string' || typeof value === 'number') return { id: textOf(value) };
  const tenant = { id: textOf(memberOf(value, 'id')), slug: textOf(memberOf(value, 'slug')) };
  return tenant.id === undefined && tenant.slug === undefined ? undefined : tenant;
}

export function targetOf(value: unknown): AuditTarget | undefined {
  const target = { type: textOf(memberOf(value, 'type')), id: textOf(memberOf(value, 'id')) };
  return target.type === undefined && target.id === undefined ? undefined : target;
}

export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined;
}

export function outcomeOf(value: unknown): Outcome | undefined {
  return OUTCOMES.find((outcome) => outcome === value);
}

function metadataOf(value: unknown, redactor: Redactor): JsonObject | undefined {
  const metadata = value === undefined ? undefined : redactor.value(value);
  return typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata) ? (metadata as JsonObject) : undefined;
}

function errorOf(value: unknown, redactor: Redactor): AuditRecord['error'] {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return { type: 'error', message: redactor.text(value) };
  const type = textOf(memberOf(value, 'type')) ?? textOf(memberOf(value, 'name'));
  const message = textOf(memberOf(value, 'message'));
  return { type, message: message === undefined ? undefined : redactor.text(message) };
}

function redactedRequest(request: AuditRequest | undefined, redactor: Redactor): AuditRequest | undefined {
  if (request === undefined) return undefined;
  return {
    ...request,
    path: request.path === undefined ? undefined : redactor.path(request.path),
    query: request.query === undefined ? undefined : redactor.query(request.query),
    headers: undefined,
    bodyHash: undefined,
    ...redactedBody(request, redactor),
  };
}

function redactedBody({ body, contentType, bodyTruncated }: AuditRequest, redactor: Redactor): Partial<AuditRequest> {
  if (body === undefined) return {};
  const redacted = redactor.body({ bytes: Buffer.from(body), contentType, truncated: bodyTruncated ?? false });
  if ('omitted' in redacted) return { body: undefined, bodyFormat: undefined, bodyOmitted: redacted.omitted };
  return { body: redacted.text, bodyFormat: redacted.format, bodyTruncated: redacted.truncated };
}

function timeOf(value: unknown): string | undefined {
  const epochMs = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isFinite(epochMs) && epochMs >= 0 && epochMs < 253_402_300_800_000 ? isoTime(epochMs) : undefined;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
