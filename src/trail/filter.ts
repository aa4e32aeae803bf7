/** Which records somebody wants to see. The same in a database and in files. */

import type { AuditRecord } from '../record.js';

export interface RecordFilter {
  /** Id of the actor; with an @ its e-mail as well. */
  readonly actor?: string | undefined;
  /** Id or slug of the tenant. */
  readonly tenant?: string | undefined;
  /** `order.created`, or with stars: `order.*`. */
  readonly action?: string | undefined;
  /** `type`, `type/id` or `/id`. */
  readonly target?: { readonly type?: string | undefined; readonly id?: string | undefined } | undefined;
  readonly outcome?: string | undefined;
  readonly kind?: string | undefined;
  /** From and to, both included: `404` is 404 to 404, `4xx` 400 to 499. */
  readonly status?: readonly [number, number] | undefined;
  /** RFC 3339; when it happened, from … */
  readonly since?: string | undefined;
  /** … and before. */
  readonly until?: string | undefined;
  readonly trace?: string | undefined;
  readonly request?: string | undefined;
  /** Somewhere in one of the bodies, as it stands there. */
  readonly text?: string | undefined;
  readonly id?: string | undefined;
  /** Of the record that it belongs to. */
  readonly refersTo?: string | undefined;
}

/** What a filter says in code, for places that cannot say it themselves. */
export function compileFilter(filter: RecordFilter): (record: AuditRecord) => boolean {
  const { actor, tenant, target, outcome, kind, status, since, until, trace, request, text, id, refersTo } = filter;
  const action = filter.action === undefined ? undefined : globPattern(filter.action);
  return (record) =>
    (actor === undefined || record.actor.id === actor || (actor.includes('@') && record.actor.email === actor)) &&
    (tenant === undefined || record.tenant?.id === tenant || record.tenant?.slug === tenant) &&
    (action === undefined || action.test(record.action)) &&
    (target?.type === undefined || record.target?.type === target.type) &&
    (target?.id === undefined || record.target?.id === target.id) &&
    (outcome === undefined || record.outcome === outcome) &&
    (kind === undefined || record.kind === kind) &&
    (status === undefined || isBetween(record.response?.status, status)) &&
    (since === undefined || record.time >= since) &&
    (until === undefined || record.time < until) &&
    (trace === undefined || record.trace?.traceId === trace) &&
    (request === undefined || record.request?.id === request) &&
    (id === undefined || record.id === id) &&
    (refersTo === undefined || record.refersTo === refersTo) &&
    (text === undefined || record.request?.body?.includes(text) === true || record.response?.body?.includes(text) === true);
}

function isBetween(value: number | undefined, [from, to]: readonly [number, number]): boolean {
  return value !== undefined && value >= from && value <= to;
}

function globPattern(glob: string): RegExp {
  return new RegExp(`^${glob.split('*').map(escaped).join('.*')}$`);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
