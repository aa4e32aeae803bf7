/** An audit record as an OpenTelemetry log record, named as the draft for audit logging names things, and back. */

import { FLAGGED } from '../../src/attributes.js';
import { EMPTY_MEMBERS, emptyMembersOf, restoreEmptyMembers } from '../../src/empty-members.js';
import type { AuditRecord, AuditService } from '../../src/record.js';
import { type AttributeValue, membersOf, toAttributes } from '../../src/record-attributes.js';

/** As much of OpenTelemetry's `ReadableLogRecord` as the serializer reads. No severity: an audit record has none. */
export interface OtlpLogRecord {
  readonly hrTime: [number, number];
  readonly hrTimeObserved: [number, number];
  readonly eventName: string;
  readonly spanContext?: { readonly traceId: string; readonly spanId: string; readonly traceFlags: number };
  readonly resource: { readonly attributes: Readonly<Record<string, string>> };
  readonly instrumentationScope: { readonly name: string };
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly droppedAttributesCount: 0;
}

// The draft: the scope of an audit record is empty. One object, for records are grouped by it.
const SCOPE = { name: '' };
const SAMPLED = 1;

export function createLogRecords(): (record: AuditRecord) => OtlpLogRecord {
  // The serializer groups by identity: one resource a service.
  const resources = new Map<string, OtlpLogRecord['resource']>();
  return (record) => {
    const empty = emptyMembersOf(record);
    const attributes = toAttributes(record, { conventions: true });
    if (empty.length > 0) attributes[EMPTY_MEMBERS] = empty.join(',');
    const { trace } = record;
    return {
      hrTime: hrTimeOf(record.time),
      hrTimeObserved: hrTimeOf(record.observedTime),
      eventName: record.action,
      ...(trace === undefined ? {} : { spanContext: { traceId: trace.traceId, spanId: trace.spanId ?? '', traceFlags: SAMPLED } }),
      resource: resourceOf(record.service, resources),
      instrumentationScope: SCOPE,
      attributes,
      droppedAttributesCount: 0,
    };
  };
}

/**
 * The record that a log record's attributes carry, hash included; undefined if they are of other telemetry.
 * Values as the protocol has them: strings, numbers, booleans and arrays of strings.
 */
export function recordFromAttributes(attributes: Readonly<Record<string, unknown>>): AuditRecord | undefined {
  if (attributes[FLAGGED] !== true) return undefined;
  const record = membersOf(attributes);
  const empty = attributes[EMPTY_MEMBERS];
  restoreEmptyMembers(record as Record<string, unknown>, typeof empty === 'string' ? empty.split(',') : []);
  return record as AuditRecord;
}

function resourceOf(service: AuditService, resources: Map<string, OtlpLogRecord['resource']>): OtlpLogRecord['resource'] {
  const key = `${service.name}\n${service.version}\n${service.instanceId}`;
  const known = resources.get(key);
  if (known !== undefined) return known;
  // An adopted journal brings other processes' records: as many resources as processes, and those are few.
  if (resources.size >= MAX_RESOURCES) resources.clear();
  const attributes: Record<string, string> = { 'service.name': service.name };
  if (service.version !== undefined) attributes['service.version'] = service.version;
  if (service.instanceId !== undefined) attributes['service.instance.id'] = service.instanceId;
  const resource = { attributes };
  resources.set(key, resource);
  return resource;
}

const MAX_RESOURCES = 1000;

function hrTimeOf(time: string): [number, number] {
  const ms = Date.parse(time);
  return [Math.floor(ms / 1000), (ms % 1000) * 1_000_000];
}
