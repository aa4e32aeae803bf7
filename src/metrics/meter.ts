/** Gives the metrics to the service's own MeterProvider, if it has one. Never sets one. */

import { createNoopMeter, type Histogram, type MeterProvider, metrics } from '@opentelemetry/api';
import type { AuditHealth } from '../health.js';
import { DURATION_BOUNDS } from './export-durations.js';
import { EXPORT_DURATION, METRICS } from './metric.js';

export interface Meter {
  recordExport(exporter: string, seconds: number): void;
  close(): void;
}

export interface MeterOptions {
  readonly health: () => AuditHealth;
  /** Between two looks for a provider, which a service may register late. Default 5,000. */
  readonly intervalMs?: number;
}

export function startMeter({ health, intervalMs = 5000 }: MeterOptions): Meter {
  let duration: Histogram | undefined;
  const look = (): void => {
    const provider = registeredProvider();
    if (provider === undefined) return;
    clearInterval(timer);
    duration = instrument(provider, health);
  };
  const timer = setInterval(look, intervalMs).unref();
  look();
  return {
    recordExport: (exporter, seconds) => duration?.record(seconds, { exporter }),
    close: () => clearInterval(timer),
  };
}

/** Without one, the API answers with one that does nothing. */
function registeredProvider(): MeterProvider | undefined {
  const provider = metrics.getMeterProvider();
  return provider.getMeter('otel-audit') === createNoopMeter() ? undefined : provider;
}

function instrument(provider: MeterProvider, health: () => AuditHealth): Histogram {
  const meter = provider.getMeter('otel-audit');
  const instruments = METRICS.map((metric) => {
    const { name, unit, description, kind } = metric;
    const make = kind === 'counter' ? meter.createObservableCounter : meter.createObservableGauge;
    return { metric, instrument: make.call(meter, name, { unit, description }) };
  });
  meter.addBatchObservableCallback(
    (result) => {
      const now = health();
      for (const { metric, instrument } of instruments) {
        for (const { value, labels } of metric.samplesOf(now)) result.observe(instrument, value, labels);
      }
    },
    instruments.map(({ instrument }) => instrument),
  );
  const { name, unit, description } = EXPORT_DURATION;
  return meter.createHistogram(name, { unit, description, advice: { explicitBucketBoundaries: [...DURATION_BOUNDS] } });
}
