/** Routes the record of every audited server span when the span ends. Exports nothing and keeps nothing. */

import { livePipeline } from '../live.js';
import type { AuditSpan } from '../span.js';

/** Structurally OpenTelemetry's `SpanProcessor`, for any 1.x, 2.x or 3.x SDK. Without a live pipeline it does nothing. */
export class AuditSpanProcessor {
  onStart(): void {}

  onEnd(span: unknown): void {
    livePipeline()?.spanEnded(span as AuditSpan);
  }

  async forceFlush(): Promise<void> {
    await livePipeline()?.flush();
  }

  /** Flushes only: the provider may be gone, requests may still be open. */
  shutdown(): Promise<void> {
    return this.forceFlush();
  }
}
