/** Prometheus' text format, version 0.0.4. */

import type { AuditHealth } from '../health.js';
import { DURATION_BOUNDS, type DurationHistogram } from './export-durations.js';
import { EXPORT_DURATION, METRICS, type Metric, type Sample } from './metric.js';

export function prometheusText(health: AuditHealth, durations: ReadonlyMap<string, DurationHistogram>): string {
  return [...METRICS.map((metric) => metricText(metric, metric.samplesOf(health))), durationText(durations)].join('');
}

/** `audit.records.emitted` of `{record}` is `audit_records_emitted_total`. */
export function prometheusName({ name, unit, kind }: Pick<Metric, 'name' | 'unit'> & { readonly kind?: Metric['kind'] }): string {
  const suffix = { s: '_seconds', By: '_bytes' }[unit] ?? '';
  return `${name.replaceAll('.', '_')}${suffix}${kind === 'counter' ? '_total' : ''}`;
}

function metricText(metric: Metric, samples: readonly Sample[]): string {
  if (samples.length === 0) return '';
  const name = prometheusName(metric);
  return `${head(name, metric.description, metric.kind)}${samples.map(({ value, labels }) => line(name, labels, value)).join('')}`;
}

function durationText(durations: ReadonlyMap<string, DurationHistogram>): string {
  if (durations.size === 0) return '';
  const name = prometheusName(EXPORT_DURATION);
  const lines = [...durations].map(([exporter, { counts, count, sumSeconds }]) => {
    let below = 0;
    const buckets = DURATION_BOUNDS.map((bound, index) => {
      below += counts[index] ?? 0;
      return line(`${name}_bucket`, { exporter, le: String(bound) }, below);
    });
    return [
      ...buckets,
      line(`${name}_bucket`, { exporter, le: '+Inf' }, count),
      line(`${name}_sum`, { exporter }, sumSeconds),
      line(`${name}_count`, { exporter }, count),
    ].join('');
  });
  return `${head(name, EXPORT_DURATION.description, 'histogram')}${lines.join('')}`;
}

function head(name: string, description: string, type: string): string {
  return `# HELP ${name} ${description.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`;
}

function line(name: string, labels: Readonly<Record<string, string>> = {}, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`;
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
