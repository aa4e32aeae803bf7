/** Metrics: what an OpenTelemetry reader and a Prometheus scrape are told. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { metrics } from '@opentelemetry/api';
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { type AuditHealth, createCaptureCounters } from '../../../src/health.js';
import { createExportDurations } from '../../../src/metrics/export-durations.js';
import { startMeter } from '../../../src/metrics/meter.js';
import { METRICS } from '../../../src/metrics/metric.js';
import { type Prometheus, startPrometheus } from '../../../src/metrics/prometheus.js';
import { prometheusName, prometheusText } from '../../../src/metrics/prometheus-text.js';
import { prometheusTarget } from '../../../src/prometheus-target.js';

const HEALTH: AuditHealth = {
  status: 'failing',
  reasons: ['…'],
  capture: { ...createCaptureCounters(), seen: 20, open: 2, pending: 1, journalled: 15, dropped: { journal_full: 2 } },
  exporters: {
    postgres: { delivered: 12, undelivered: 2, deadLettered: 1, retries: 3, breaker: 'closed', oldestUndeliveredAgeMs: 1500 },
  },
  journal: { bytes: 4096, maxBytes: 8192, isWritable: true },
};

const EXPECTED: Readonly<Record<string, number>> = {
  'audit.records.emitted': 18,
  'audit.records.dropped{reason="journal_full"}': 2,
  'audit.records.withheld': 0,
  'audit.records.exported{exporter="postgres"}': 12,
  'audit.records.dead_lettered{exporter="postgres"}': 1,
  'audit.export.retries{exporter="postgres"}': 3,
  'audit.queue.depth{exporter="postgres"}': 2,
  'audit.queue.age{exporter="postgres"}': 1.5,
  'audit.journal.size': 4096,
  'audit.journal.limit': 8192,
  'audit.requests.open': 2,
  'audit.health{status="healthy"}': 0,
  'audit.health{status="degraded"}': 0,
  'audit.health{status="failing"}': 1,
};

describe('metrics through the MeterProvider of the service', () => {
  it('appear with a provider that is registered after the start, and never without one', async (t) => {
    const meter = startMeter({ health: () => HEALTH, intervalMs: 5 });
    t.after(() => meter.close());
    meter.recordExport('postgres', 0.5);
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const provider = new MeterProvider({ readers: [reader] });
    metrics.setGlobalMeterProvider(provider);
    t.after(async () => {
      metrics.disable();
      await provider.shutdown();
    });
    for (let looks = 0; looks < 200 && exporter.getMetrics().length === 0; looks += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      meter.recordExport('postgres', 0.3);
      await reader.forceFlush();
      if (exporter.getMetrics().every(({ scopeMetrics }) => scopeMetrics.length === 0)) exporter.reset();
    }
    const collected =
      exporter
        .getMetrics()
        .at(-1)
        ?.scopeMetrics.find(({ scope }) => scope.name === 'otel-audit')?.metrics ?? [];
    const found = collected.flatMap(({ descriptor, dataPoints }) =>
      dataPoints.flatMap(({ attributes, value }) => {
        const labels = Object.entries(attributes).map(([name, label]) => `${name}="${label}"`);
        return typeof value === 'number' ? [[`${descriptor.name}${labels.length === 0 ? '' : `{${labels}}`}`, value] as const] : [];
      }),
    );
    assert.deepEqual(Object.fromEntries(found), EXPECTED);
    const duration = collected.find(({ descriptor }) => descriptor.name === 'audit.export.duration');
    assert.equal(duration?.descriptor.unit, 's');
    assert.deepEqual(duration?.dataPoints[0]?.attributes, { exporter: 'postgres' });
  });
});

describe('metrics for Prometheus', () => {
  it('are the same numbers in the text format', () => {
    const durations = createExportDurations();
    for (const seconds of [0.004, 0.03, 99]) durations.record('postgres', seconds);
    const lines = prometheusText(HEALTH, durations.histograms()).trimEnd().split('\n');
    for (const [name, value] of Object.entries(EXPECTED)) {
      const [, bare = '', labels = ''] = /^([^{]*)(.*)$/.exec(name) ?? [];
      const metric = METRICS.find((each) => each.name === bare);
      assert.ok(metric !== undefined, bare);
      assert.ok(lines.includes(`${prometheusName(metric)}${labels} ${value}`), name);
      assert.ok(lines.includes(`# TYPE ${prometheusName(metric)} ${metric.kind}`), name);
    }
    assert.ok(lines.includes('audit_export_duration_seconds_bucket{exporter="postgres",le="0.005"} 1'));
    assert.ok(lines.includes('audit_export_duration_seconds_bucket{exporter="postgres",le="0.05"} 2'));
    assert.ok(lines.includes('audit_export_duration_seconds_bucket{exporter="postgres",le="10"} 2'));
    assert.ok(lines.includes('audit_export_duration_seconds_bucket{exporter="postgres",le="+Inf"} 3'));
    assert.ok(lines.includes('audit_export_duration_seconds_count{exporter="postgres"} 3'));
    for (const line of lines) assert.match(line, /^(?:# (?:HELP|TYPE) \w+ .+|\w+(?:\{(?:\w+="(?:[^"\\]|\\.)*",?)+\})? -?[\d.e+-]+)$/);
  });

  it('escape what a label may hold', () => {
    const health = { ...HEALTH, exporters: { './a"b\\c\n.js': HEALTH.exporters['postgres'] as AuditHealth['exporters'][string] } };
    assert.match(prometheusText(health, new Map()), /audit_queue_depth\{exporter="\.\/a\\"b\\\\c\\n\.js"\} 2/);
  });

  it('say that nothing was dropped, so that an alert has something to look at', () => {
    const calm = { ...HEALTH, capture: createCaptureCounters() };
    assert.match(prometheusText(calm, new Map()), /^audit_records_dropped_total\{reason="none"\} 0$/m);
  });

  it('are served to GET and to nobody else, with a health check that fails while records are lost', async (t) => {
    const { ask } = await start(t, { text: () => 'x 1\n', isFailing: () => true });
    assert.match(
      await ask('GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n'),
      /^HTTP\/1\.1 200 OK\r\n[\s\S]*version=0\.0\.4[\s\S]*\r\n\r\nx 1\n$/,
    );
    assert.match(await ask('HEAD /metrics HTTP/1.1\r\n\r\n'), /Content-Length: 4\r\n[\s\S]*\r\n\r\n$/);
    assert.match(await ask('GET /health HTTP/1.1\r\n\r\n'), /^HTTP\/1\.1 503 /);
    assert.match(await ask('GET / HTTP/1.1\r\n\r\n'), /^HTTP\/1\.1 404 /);
    assert.match(await ask('POST /metrics HTTP/1.1\r\n\r\n'), /^HTTP\/1\.1 405 /);
    assert.match(await ask('nonsense\r\n\r\n'), /^HTTP\/1\.1 405 /);
    assert.equal(await ask(`GET /${'x'.repeat(10_000)}`), '');
  });

  it('leave the service alone when the port is taken', async (t) => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    t.after(() => other.close());
    const { port } = other.address() as { readonly port: number };
    const warnings: string[] = [];
    const prometheus = startPrometheus({
      target: String(port),
      text: () => '',
      isFailing: () => false,
      warn: (message) => warnings.push(message),
    });
    t.after(() => prometheus.close());
    assert.equal(await prometheus.address, undefined);
    assert.match(warnings[0] ?? '', /AUDIT_PROMETHEUS: 127\.0\.0\.1:\d+ cannot be listened on \(EADDRINUSE\)/);
  });

  it('are written to a file of this process, once more at the end', (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'otel-audit-prom-'));
    t.after(() => rmSync(directory, { recursive: true }));
    let value = 1;
    const options = { text: () => `x ${value}\n`, isFailing: () => false, warn: (message: string) => assert.fail(message) };
    const prometheus = startPrometheus({ ...options, target: join(directory, 'audit-%p.prom'), intervalMs: 3_600_000 });
    const read = (): string => readFileSync(join(directory, `audit-${process.pid}.prom`), 'utf8');
    assert.equal(read(), 'x 1\n');
    value = 2;
    prometheus.close();
    assert.equal(read(), 'x 2\n');
  });

  it('go where the setting says', () => {
    assert.deepEqual(prometheusTarget('9464'), { host: '127.0.0.1', port: 9464 });
    assert.deepEqual(prometheusTarget('0.0.0.0:9464'), { host: '0.0.0.0', port: 9464 });
    assert.deepEqual(prometheusTarget('[::]:9464'), { host: '::', port: 9464 });
    assert.deepEqual(prometheusTarget('/var/lib/node_exporter/audit.prom'), { file: '/var/lib/node_exporter/audit.prom' });
    for (const wrong of ['', 'http://a:1', '99999', 'a:b', 'metrics.txt', ':1']) assert.equal(prometheusTarget(wrong), undefined, wrong);
  });
});

async function start(t: TestContext, parts: { readonly text: () => string; readonly isFailing: () => boolean }) {
  const prometheus: Prometheus = startPrometheus({ ...parts, target: '0', warn: (message) => assert.fail(message) });
  t.after(() => prometheus.close());
  const address = await prometheus.address;
  assert.ok(address !== undefined);
  const ask = async (request: string): Promise<string> => {
    const socket = connect(address);
    socket.on('error', () => undefined).write(request);
    return text(socket).catch(() => '');
  };
  return { ask };
}
