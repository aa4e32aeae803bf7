/** A record as a CloudEvents 1.0 event in JSON. @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md */

import type { JournalledRecord } from '../record.js';

export function toCloudEvent(record: JournalledRecord): object {
  const { id, action, time, target, service, trace } = record;
  const subject = [target?.type, target?.id].filter(Boolean).join('/');
  return {
    specversion: '1.0',
    id,
    // With the id unique, as the specification asks: streams have ids of their own.
    source: `urn:otel-audit:${encodeURIComponent(service.name)}:${record.integrity.stream}`,
    type: `otel-audit.${action}`,
    subject: subject === '' ? undefined : subject,
    time,
    // The extension for distributed tracing; whether it was sampled is not known.
    traceparent: trace?.spanId === undefined ? undefined : `00-${trace.traceId}-${trace.spanId}-00`,
    datacontenttype: 'application/json',
    data: record,
  };
}
