/** Routes audit-flagged log records: our own private ones, and those of anybody who sets the flag. */

import { livePipeline } from '../live.js';
import type { AuditRecord } from '../record.js';

/** Under this key a context carries the record that our own logger emits, so that it need not be read back from attributes. */
export const CARRIED_RECORD = Symbol.for('otel-audit.record');

interface ContextLike {
  getValue(key: symbol): unknown;
}

interface LogRecordLike {
  readonly attributes?: Readonly<Record<string, unknown>>;
}

/** Structurally OpenTelemetry's `LogRecordProcessor`. Without a live pipeline it does nothing. */
export class AuditLogRecordProcessor {
  onEmit(logRecord: unknown, context?: ContextLike): void {
    const { attributes = {} } = logRecord as LogRecordLike;
    livePipeline()?.logEmitted(attributes, context?.getValue(CARRIED_RECORD) as AuditRecord | undefined);
  }

  async forceFlush(): Promise<void> {
    await livePipeline()?.flush();
  }

  shutdown(): Promise<void> {
    return this.forceFlush();
  }
}
