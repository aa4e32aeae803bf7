/** Everything that tells how the audit itself fares: OpenTelemetry metrics, and Prometheus if it is asked for. */

import type { AuditHealth } from '../health.js';
import { createExportDurations } from './export-durations.js';
import { startMeter } from './meter.js';
import { startPrometheus } from './prometheus.js';
import { prometheusText } from './prometheus-text.js';

export interface MetricsOptions {
  readonly health: () => AuditHealth;
  /** As `AUDIT_PROMETHEUS`; undefined: none. */
  readonly prometheus?: string | undefined;
  readonly warn: (message: string) => void;
}

export interface Metrics {
  /** A call of an exporter has ended, well or not. */
  recordExport(exporter: string, seconds: number): void;
  close(): void;
}

export function startMetrics({ health, prometheus, warn }: MetricsOptions): Metrics {
  const durations = createExportDurations();
  const meter = startMeter({ health });
  const offer =
    prometheus === undefined
      ? undefined
      : startPrometheus({
          target: prometheus,
          text: () => prometheusText(health(), durations.histograms()),
          isFailing: () => health().status === 'failing',
          warn,
        });
  return {
    recordExport(exporter, seconds) {
      durations.record(exporter, seconds);
      meter.recordExport(exporter, seconds);
    },
    close() {
      meter.close();
      offer?.close();
    },
  };
}
