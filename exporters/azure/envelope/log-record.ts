/** An audit record as the log records from which the SDK makes custom events. */

import type { AuditRecord, AuditService } from '../../../src/record.js';
import { toAttributes } from '../../../src/record-attributes.js';
import { layOut, type Properties } from './budget.js';
import { emptyMembersOf } from './empty-members.js';
import { EMPTY_MEMBERS, eventName, PART_EVENT, REFERS_TO, TIME } from './names.js';
import { cutText } from './split-text.js';

/** As much of OpenTelemetry's `ReadableLogRecord` as the SDK reads. */
export interface AuditLogRecord {
  readonly hrTime: [number, number];
  readonly hrTimeObserved: [number, number];
  readonly spanContext?: { readonly traceId: string; readonly spanId: string; readonly traceFlags: number };
  readonly resource: { readonly attributes: Readonly<Record<string, string>> };
  readonly instrumentationScope: { readonly name: string };
  readonly attributes: Readonly<Record<string, string>>;
  readonly body?: { readonly measurements: Readonly<Record<string, number>> };
  readonly droppedAttributesCount: 0;
}

export interface TagOptions {
  /** Also as `client_IP`: the service looks the place up and then masks it, unless told otherwise. */
  readonly clientAddress: boolean;
  /** Also as `user_AuthenticatedId`. */
  readonly user: boolean;
}

/** The record's own event first, then its part events. */
export function logRecordsOf(record: AuditRecord, tags: TagOptions): readonly AuditLogRecord[] {
  const attributes = toAttributes(record);
  const empty = emptyMembersOf(record);
  // First: what comes after the bodies may be moved to a part event.
  const { properties, parts } = layOut(empty.length === 0 ? attributes : { [EMPTY_MEMBERS]: empty.join(','), ...attributes });
  const own = logRecord(record, eventName(record.kind), properties, tags, measurementsOf(record));
  if (parts.length === 0) return [own];
  return [own, ...parts.map((part) => logRecord(record, PART_EVENT, { [REFERS_TO]: record.id, [TIME]: record.time, ...part }, tags))];
}

function logRecord(
  record: AuditRecord,
  name: string,
  properties: Properties,
  tags: TagOptions,
  measurements?: Readonly<Record<string, number>>,
): AuditLogRecord {
  const attributes = properties;
  attributes['microsoft.custom_event.name'] = name;
  const operation = operationName(record);
  if (operation !== undefined) attributes['ai.operation.name'] = operation;
  if (tags.clientAddress && record.client?.address !== undefined) attributes['microsoft.client.ip'] = record.client.address;
  if (tags.user && record.actor.type !== 'anonymous') attributes['enduser.id'] = cutText(record.actor.id, MAX_NAME_BYTES);
  const hrTime = hrTimeOf(record);
  const { trace } = record;
  return {
    hrTime,
    hrTimeObserved: hrTime,
    ...(trace === undefined ? {} : { spanContext: { traceId: trace.traceId, spanId: trace.spanId ?? '', traceFlags: 1 } }),
    resource: resourceOf(record.service),
    instrumentationScope: SCOPE,
    attributes,
    ...(measurements === undefined ? {} : { body: { measurements } }),
    droppedAttributesCount: 0,
  };
}

// Tags only repeat what the properties hold whole, so they may be cut; together they must stay within the 4 KB left for the envelope.
const MAX_NAME_BYTES = 256;
const MAX_OPERATION_BYTES = 512;
const SCOPE = { name: 'otel-audit' };

function operationName({ request }: AuditRecord): string | undefined {
  if (request?.method === undefined) return undefined;
  return cutText(request.route === undefined ? request.method : `${request.method} ${request.route}`, MAX_OPERATION_BYTES);
}

/** Numbers the portal can chart without converting text. */
function measurementsOf(record: AuditRecord): Record<string, number> {
  const measurements: Record<string, number> = {};
  if (record.durationMs !== undefined) measurements['audit.duration_ms'] = record.durationMs;
  if (record.request?.bodySize !== undefined) measurements['audit.request.body_size'] = record.request.bodySize;
  if (record.response?.bodySize !== undefined) measurements['audit.response.body_size'] = record.response.bodySize;
  return measurements;
}

let lastService: AuditService | undefined;
let lastResource: AuditLogRecord['resource'] = { attributes: {} };

/** Most batches come from one process: the last one's resource is kept. */
function resourceOf(service: AuditService): AuditLogRecord['resource'] {
  const { name, version, instanceId } = service;
  if (lastService?.name === name && lastService.version === version && lastService.instanceId === instanceId) return lastResource;
  const attributes: Record<string, string> = { 'service.name': cutText(name, MAX_NAME_BYTES) };
  if (version !== undefined) attributes['service.version'] = cutText(version, MAX_NAME_BYTES);
  if (instanceId !== undefined) attributes['service.instance.id'] = cutText(instanceId, MAX_NAME_BYTES);
  lastService = { name, version, instanceId };
  lastResource = { attributes };
  return lastResource;
}

const EARLIEST = Date.UTC(2000, 0, 1);
const LATEST = Date.UTC(2100, 0, 1);

/**
 * An invalid time would make the SDK throw for the whole batch, so an absurd one gives way: to the observed time, else to
 * one so old that the service puts the arrival in its place. `audit.time` keeps what the record says.
 */
function hrTimeOf(record: AuditRecord): [number, number] {
  const millis = [record.time, record.observedTime].map(Date.parse).find((time) => time >= EARLIEST && time < LATEST) ?? EARLIEST;
  // The SDK computes in floating nanoseconds and cuts to milliseconds; half a millisecond keeps it from landing one too low.
  return [Math.floor(millis / 1000), (millis % 1000) * 1e6 + 5e5];
}
