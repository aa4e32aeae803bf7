/** What is measured, as numbers with labels: one table for OpenTelemetry and for Prometheus. Names follow the draft for audit logging. */

import { type AuditHealth, totalOf } from '../health.js';

export interface Metric {
  /** As OpenTelemetry spells it. */
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  /** A counter only grows while the process lives. */
  readonly kind: 'counter' | 'gauge';
  samplesOf(health: AuditHealth): readonly Sample[];
}

export interface Sample {
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
}

export const METRICS: readonly Metric[] = [
  {
    name: 'audit.records.emitted',
    unit: '{record}',
    description: 'Records made: journalled, on their way there, or dropped.',
    kind: 'counter',
    samplesOf: ({ capture }) => [{ value: capture.journalled + capture.pending + totalOf(capture.dropped) }],
  },
  {
    name: 'audit.records.dropped',
    unit: '{record}',
    description: 'Records lost before the journal had them. Anything above zero is an alarm.',
    kind: 'counter',
    // Zero is said as well: an alert on what does not exist never fires.
    samplesOf: ({ capture }) => [
      ...(Object.keys(capture.dropped).length === 0 ? [{ value: 0, labels: { reason: 'none' } }] : []),
      ...Object.entries(capture.dropped).map(([reason, value]) => ({ value, labels: { reason } })),
    ],
  },
  {
    name: 'audit.records.withheld',
    unit: '{record}',
    description: "Records without bodies and names, because their actor's key could not be had.",
    kind: 'counter',
    samplesOf: ({ capture }) => [{ value: capture.withheld }],
  },
  {
    name: 'audit.records.exported',
    unit: '{record}',
    description: 'Records that the sink has acknowledged.',
    kind: 'counter',
    samplesOf: byExporter(({ delivered }) => delivered),
  },
  {
    name: 'audit.records.dead_lettered',
    unit: '{record}',
    description: 'Records that the sink can never store; kept as dead letters.',
    kind: 'counter',
    samplesOf: byExporter(({ deadLettered }) => deadLettered),
  },
  {
    name: 'audit.export.retries',
    unit: '{batch}',
    description: 'Batches that had to be offered again.',
    kind: 'counter',
    samplesOf: byExporter(({ retries }) => retries),
  },
  {
    name: 'audit.queue.depth',
    unit: '{record}',
    description: 'Records in the journal that the sink has not acknowledged yet.',
    kind: 'gauge',
    samplesOf: byExporter(({ undelivered }) => undelivered),
  },
  {
    name: 'audit.queue.age',
    unit: 's',
    description: 'How long the oldest record that was offered in vain has waited.',
    kind: 'gauge',
    samplesOf: byExporter(({ oldestUndeliveredAgeMs }) => oldestUndeliveredAgeMs / 1000),
  },
  {
    name: 'audit.journal.size',
    unit: 'By',
    description: "Bytes of this process's journal.",
    kind: 'gauge',
    samplesOf: ({ journal }) => (journal === undefined ? [] : [{ value: journal.bytes }]),
  },
  {
    name: 'audit.journal.limit',
    unit: 'By',
    description: 'Bytes it may have before records are dropped.',
    kind: 'gauge',
    samplesOf: ({ journal }) => (journal === undefined ? [] : [{ value: journal.maxBytes }]),
  },
  {
    name: 'audit.requests.open',
    unit: '{request}',
    description: 'Requests that have not closed yet.',
    kind: 'gauge',
    samplesOf: ({ capture }) => [{ value: capture.open }],
  },
  {
    name: 'audit.health',
    unit: '1',
    description: '1 in the label of the present status.',
    kind: 'gauge',
    samplesOf: ({ status }) =>
      ['healthy', 'degraded', 'failing'].map((each) => ({ value: each === status ? 1 : 0, labels: { status: each } })),
  },
];

export const EXPORT_DURATION = {
  name: 'audit.export.duration',
  unit: 's',
  description: "How long a call of the exporter took, its sink's answer included.",
};

function byExporter(numberOf: (counters: AuditHealth['exporters'][string]) => number): Metric['samplesOf'] {
  return ({ exporters }) => Object.entries(exporters).map(([exporter, counters]) => ({ value: numberOf(counters), labels: { exporter } }));
}
