/** A record as an Elastic Common Schema document. @see https://www.elastic.co/guide/en/ecs/current/ecs-field-reference.html */

import type { JournalledRecord, Outcome } from '../record.js';

const VERSION = '8.17.0';
const TYPES: ReadonlyMap<string | undefined, string> = new Map([
  ['POST', 'creation'],
  ['GET', 'access'],
  ['HEAD', 'access'],
  ['PUT', 'change'],
  ['PATCH', 'change'],
  ['DELETE', 'deletion'],
]);
const OUTCOMES: Readonly<Record<Outcome, string>> = { success: 'success', failure: 'failure', aborted: 'unknown', unknown: 'unknown' };
const NANOSECONDS = 1_000_000;

export function toEcs(record: JournalledRecord): object {
  const { actor, request, response, client, service, tenant, target, trace, error, integrity } = record;
  return {
    '@timestamp': record.time,
    ecs: { version: VERSION },
    event: {
      id: record.id,
      kind: 'event',
      category: [categoryOf(record)],
      type: [TYPES.get(request?.method) ?? 'info'],
      action: record.action,
      outcome: OUTCOMES[record.outcome] ?? 'unknown',
      duration: record.durationMs === undefined ? undefined : Math.round(record.durationMs * NANOSECONDS),
      created: record.observedTime,
      sequence: integrity.seq,
      hash: integrity.hash,
      dataset: 'otel-audit',
    },
    user: { id: actor.id, name: actor.name, email: actor.email, roles: actor.roles },
    organization: tenant && { id: tenant.id, name: tenant.slug },
    source: client && {
      ip: client.address,
      port: client.port,
      geo: client.geo && { country_iso_code: client.geo.country, region_name: client.geo.region, city_name: client.geo.city },
    },
    user_agent: client?.userAgent === undefined ? undefined : { original: client.userAgent },
    http: request && {
      request: {
        id: request.id,
        method: request.method,
        mime_type: request.contentType,
        bytes: request.bodySize,
        body: request.body === undefined ? undefined : { content: request.body },
      },
      response: response && {
        status_code: response.status,
        mime_type: response.contentType,
        bytes: response.bodySize,
        body: response.body === undefined ? undefined : { content: response.body },
      },
    },
    url: request && { path: request.path, query: request.query },
    trace: trace && { id: trace.traceId },
    span: trace?.spanId === undefined ? undefined : { id: trace.spanId },
    service: {
      name: service.name,
      version: service.version,
      node: service.instanceId === undefined ? undefined : { name: service.instanceId },
    },
    error,
    // Its members have names of their own in no schema.
    audit: {
      kind: record.kind,
      actor_type: actor.type,
      actor_verified: actor.verified,
      target,
      changes: record.changes,
      metadata: record.metadata,
      integrity,
    },
  };
}

function categoryOf({ kind, action }: JournalledRecord): string {
  if (/(?:^|\.)(?:login|logout)\b/.test(action)) return 'authentication';
  if (kind === 'change') return 'database';
  return kind === 'lifecycle' || kind === 'loss' ? 'process' : 'web';
}
