/** What a database connection is told about the request or job whose statements it runs. It comes back with each row change. */

import type { AuditActor, AuditTenant, AuditTrace } from '../record.js';
import { cutText, printable } from '../record-bounds.js';

export interface ChangeContext {
  /** Of the request's or job's own record; the change record refers to it. */
  readonly id: string;
  readonly service: string;
  readonly requestId: string;
  readonly actor: Pick<AuditActor, 'id' | 'type' | 'email' | 'source' | 'verified'>;
  readonly tenant?: AuditTenant | undefined;
  readonly method?: string | undefined;
  /** Redacted. */
  readonly path?: string | undefined;
  readonly trace?: AuditTrace | undefined;
}

// As in a record. Together below 4 KB, which is what one changed row may cost in context.
const IDENTIFIER_BYTES = 256;
const PATH_BYTES = 1024;

/** Bounded whatever a client put into it; no NUL, which PostgreSQL would refuse. */
export function encodeContext({ id, service, requestId, actor, tenant, method, path, trace }: ChangeContext): string {
  return JSON.stringify({
    id,
    service: short(service),
    requestId: short(requestId),
    actor: {
      id: short(actor.id),
      type: short(actor.type),
      email: short(actor.email),
      source: short(actor.source),
      verified: actor.verified,
    },
    tenant: tenant && { id: short(tenant.id), slug: short(tenant.slug) },
    method: short(method),
    path: path === undefined ? undefined : cutText(printable(path), PATH_BYTES),
    trace: trace && { traceId: short(trace.traceId), spanId: short(trace.spanId) },
  } satisfies Record<keyof ChangeContext, unknown>);
}

/** Undefined for anything else that stands there: every client of the database can set it. */
export function parseContext(text: string | null): ChangeContext | undefined {
  if (text === null) return undefined;
  try {
    const { id, service, requestId, actor, tenant, method, path, trace } = JSON.parse(text) as Partial<ChangeContext>;
    if (!isText(id) || !UUID.test(id) || !isText(service) || !isText(requestId) || !isText(actor?.id) || !isText(actor.type))
      return undefined;
    return {
      id,
      service,
      requestId,
      actor: {
        id: actor.id,
        type: actor.type,
        email: textOf(actor.email),
        source: textOf(actor.source),
        verified: actor.verified === true,
      },
      tenant: tenant && { id: textOf(tenant.id), slug: textOf(tenant.slug) },
      method: textOf(method),
      path: textOf(path),
      trace: isText(trace?.traceId) ? { traceId: trace.traceId, spanId: textOf(trace.spanId) } : undefined,
    };
  } catch {
    return undefined;
  }
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function short<Text extends string | undefined>(text: Text): Text | string {
  return text === undefined ? text : cutText(printable(text), IDENTIFIER_BYTES);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function textOf(value: unknown): string | undefined {
  return isText(value) ? value : undefined;
}
