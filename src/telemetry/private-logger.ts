/** Emits records as log records on a LoggerProvider that nobody else has, so that no sampler or filter of the host can drop them. */

import { ROOT_CONTEXT } from '@opentelemetry/api';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import type { AuditRecord } from '../record.js';
import { toAttributes } from '../record-attributes.js';
import { AuditLogRecordProcessor, CARRIED_RECORD } from './log-processor.js';

/** Answers the function that emits. Never registers anything globally. */
export function createPrivateLogger(): (record: AuditRecord) => void {
  const provider = new LoggerProvider({ processors: [new AuditLogRecordProcessor()] });
  const logger = provider.getLogger('otel-audit');
  return (record) => {
    logger.emit({
      eventName: record.action,
      timestamp: new Date(record.time),
      observedTimestamp: new Date(record.observedTime),
      attributes: toAttributes(record, { conventions: true }) as Record<string, string | number | boolean | string[]>,
      context: ROOT_CONTEXT.setValue(CARRIED_RECORD, record),
    });
  };
}
