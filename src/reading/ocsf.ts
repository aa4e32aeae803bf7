/** A record as an OCSF 1.x event of the class API Activity (6003), for security lakes. @see https://schema.ocsf.io */

import type { AuditRecord, JournalledRecord, Outcome } from '../record.js';

const CLASS_UID = 6003;
const CATEGORY_UID = 6;
const VERSION = '1.5.0';
const INFORMATIONAL = 1;
const MEDIUM = 3;

// Maps: a method or a type is a client's word, and `toString` is a member of every object.
const ACTIVITIES: ReadonlyMap<string | undefined, readonly [number, string]> = new Map([
  ['POST', [1, 'Create']],
  ['GET', [2, 'Read']],
  ['HEAD', [2, 'Read']],
  ['PUT', [3, 'Update']],
  ['PATCH', [3, 'Update']],
  ['DELETE', [4, 'Delete']],
]);
const OTHER = 99;

const STATUS: Readonly<Record<Outcome, readonly [number, string]>> = {
  success: [1, 'Success'],
  failure: [2, 'Failure'],
  aborted: [OTHER, 'Aborted'],
  unknown: [0, 'Unknown'],
};

/** User types: https://schema.ocsf.io/1.5.0/objects/user. */
const USER_TYPES: ReadonlyMap<string, number> = new Map([
  ['user', 1],
  ['admin', 2],
  ['platform_admin', 2],
  ['system', 3],
  ['service', 4],
  ['anonymous', 0],
]);

export function toOcsf(record: JournalledRecord): object {
  const { actor, action, request, response, client, service, tenant, target, trace, error, integrity } = record;
  const [activityId, activityName] = ACTIVITIES.get(request?.method) ?? [OTHER, action];
  const [statusId, status] = STATUS[record.outcome] ?? STATUS.unknown;
  return {
    activity_id: activityId,
    activity_name: activityName,
    category_uid: CATEGORY_UID,
    category_name: 'Application Activity',
    class_uid: CLASS_UID,
    class_name: 'API Activity',
    type_uid: CLASS_UID * 100 + activityId,
    severity_id: record.outcome === 'failure' ? MEDIUM : INFORMATIONAL,
    time: Date.parse(record.time),
    duration: record.durationMs === undefined ? undefined : Math.round(record.durationMs),
    status,
    status_id: statusId,
    status_code: response?.status === undefined ? undefined : String(response.status),
    status_detail: error?.message ?? error?.type,
    actor: { user: userOf(record), app_name: actor.clientApp },
    api: {
      operation: action,
      request: request && { uid: request.id },
      response: response && { code: response.status },
      service: { name: service.name, version: service.version },
    },
    // At least one of its members is required: what the service knows of the caller, or which service it was.
    src_endpoint: { ip: client?.address, port: client?.port, svc_name: client?.address === undefined ? service.name : undefined },
    dst_endpoint: { svc_name: service.name, instance_uid: service.instanceId },
    http_request: request && {
      http_method: request.method,
      url: { path: request.path, query_string: request.query },
      user_agent: client?.userAgent,
      body_length: request.bodySize,
      uid: request.id,
    },
    http_response: response && {
      code: response.status,
      body_length: response.bodySize,
      latency: record.durationMs && Math.round(record.durationMs),
    },
    resources: target && [{ type: target.type, uid: target.id }],
    metadata: {
      version: VERSION,
      product: { name: 'otel-audit', vendor_name: 'otel-audit' },
      uid: record.id,
      correlation_uid: trace?.traceId,
      tenant_uid: tenant?.id ?? tenant?.slug,
      logged_time: Date.parse(record.observedTime),
      sequence: integrity.seq,
      is_truncated: request?.bodyTruncated === true || response?.bodyTruncated === true || undefined,
      profiles: [],
    },
    unmapped: {
      kind: record.kind,
      route: request?.route,
      request_body: request?.body,
      response_body: response?.body,
      changes: record.changes,
      metadata: record.metadata,
      integrity,
    },
  };
}

function userOf({ actor }: AuditRecord): object {
  const { id, name, email, type } = actor;
  const typeId = USER_TYPES.get(type) ?? OTHER;
  return { uid: id, name, email_addr: email, type_id: typeId, type, groups: actor.roles?.map((role) => ({ name: role })) };
}
