/** An audit record as the log records from which the SDK makes custom events. */

import { EMPTY_MEMBERS, emptyMembersOf } from '../../../src/empty-members.js';
import type { AuditRecord } from '../../../src/record.js';
import { toAttributes } from '../../../src/record-attributes.js';
import { layOut } from './budget.js';
import type { AuditItem } from './item.js';
import { eventName, PART_EVENT, REFERS_TO, TIME } from './names.js';
import { type AuditResource, addTags, hrTimeOf, operationNameOf, resourceOf, SCOPE, type TagOptions } from './tags.js';

/** As much of OpenTelemetry's `ReadableLogRecord` as the SDK reads. */
interface AuditLogRecord {
  readonly hrTime: [number, number];
  readonly hrTimeObserved: [number, number];
  readonly spanContext?: { readonly traceId: string; readonly spanId: string; readonly traceFlags: number };
  readonly resource: AuditResource;
  readonly instrumentationScope: { readonly name: string };
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly body?: { readonly measurements: Readonly<Record<string, number>> };
  readonly droppedAttributesCount: 0;
}

/** The record's own event first, then its part events. */
export function eventsOf(record: AuditRecord, tags: TagOptions): readonly AuditItem[] {
  const attributes = toAttributes(record);
  const empty = emptyMembersOf(record);
  // First: what comes after the bodies may be moved to a part event.
  const { properties, parts } = layOut(empty.length === 0 ? attributes : { [EMPTY_MEMBERS]: empty.join(','), ...attributes });
  const own = { convertible: logRecord(record, eventName(record.kind), tags, measurementsOf(record)), properties };
  if (parts.length === 0) return [own];
  const link = { [REFERS_TO]: record.id, [TIME]: record.time };
  const rest = parts.map((part) => ({
    convertible: logRecord(record, PART_EVENT, tags),
    properties: JSON.stringify({ ...link, ...part }),
  }));
  return [own, ...rest];
}

function logRecord(record: AuditRecord, name: string, tags: TagOptions, measurements?: Readonly<Record<string, number>>): AuditLogRecord {
  const attributes: Record<string, string | number> = { 'microsoft.custom_event.name': name };
  addTags(attributes, record, tags);
  const operation = operationNameOf(record);
  if (operation !== undefined) attributes['ai.operation.name'] = operation;
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

/** Numbers the portal can chart without converting text. */
function measurementsOf(record: AuditRecord): Record<string, number> {
  const measurements: Record<string, number> = {};
  if (record.durationMs !== undefined) measurements['audit.duration_ms'] = record.durationMs;
  if (record.request?.bodySize !== undefined) measurements['audit.request.body_size'] = record.request.bodySize;
  if (record.response?.bodySize !== undefined) measurements['audit.response.body_size'] = record.response.bodySize;
  return measurements;
}
