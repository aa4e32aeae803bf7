/** An audit record as the span from which the SDK makes a row of `requests`. */

import type { AuditRecord, Outcome } from '../../../src/record.js';
import { toAttributes } from '../../../src/record-attributes.js';
import { layOut } from './budget.js';
import type { AuditItem } from './item.js';
import { cutText } from './split-text.js';
import { addTags, hrTimeOf, operationNameOf, resourceOf, SCOPE, type TagOptions } from './tags.js';

/** None for what is no finished request. Without bodies: the record's event has them, and a row of `requests` is for charts. */
export function requestsOf(record: AuditRecord, tags: TagOptions): readonly AuditItem[] {
  if (record.kind !== 'http' || record.phase !== undefined || record.request?.method === undefined) return [];
  const { properties } = layOut(toAttributes(record, { bodies: false }));
  return [{ convertible: serverSpan(record, tags), properties }];
}

const SERVER = 1;
const MAX_TEXT_BYTES = 512; // the properties hold both whole; an envelope without them must stay within 4 KB
const STATUS: Readonly<Record<Outcome, number>> = { unknown: 0, success: 1, failure: 2, aborted: 2 };

/** As much of OpenTelemetry's `ReadableSpan` as the SDK reads. */
function serverSpan(record: AuditRecord, tags: TagOptions) {
  const { request, response, trace, durationMs = 0 } = record;
  const attributes: Record<string, string | number> = { 'http.request.method': request?.method ?? '' };
  if (request?.route !== undefined) attributes['http.route'] = cutText(request.route, MAX_TEXT_BYTES);
  // The SDK wants the whole URL and takes any text; the record has no host.
  if (request?.path !== undefined) attributes['url.full'] = cutText(request.path, MAX_TEXT_BYTES);
  if (response?.status !== undefined) attributes['http.response.status_code'] = response.status;
  addTags(attributes, record, tags);
  return {
    name: operationNameOf(record),
    kind: SERVER,
    spanContext: () => ({ traceId: trace?.traceId ?? '', spanId: trace?.spanId ?? record.id, traceFlags: 1 }),
    startTime: hrTimeOf(record),
    duration: [Math.floor(durationMs / 1000), Math.round((durationMs % 1000) * 1e6)],
    status: { code: STATUS[record.outcome] },
    attributes,
    links: [],
    events: [],
    resource: resourceOf(record.service),
    instrumentationScope: SCOPE,
  };
}
