/** A service with metrics on: what a scrape and the service's own MeterProvider are told of real traffic. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { send } from '../support/audited-server.js';
import { freePort } from '../support/free-port.js';
import { createServiceFolder } from '../support/service.js';
import { until } from '../support/waiting.js';

const SERVER = `
const http = require('node:http');
const net = require('node:net');
const { metrics } = require('@opentelemetry/api');
const { InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader, AggregationTemporality } = require('@opentelemetry/sdk-metrics');
const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3600000 });
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
const server = http.createServer(async (request, response) => {
  if (request.url !== '/metrics') return response.end('ok');
  await reader.forceFlush();
  const [latest] = exporter.getMetrics().slice(-1);
  const own = latest?.scopeMetrics.filter(({ scope }) => scope.name === 'otel-audit').flatMap(({ metrics }) => metrics) ?? [];
  response.end(JSON.stringify(Object.fromEntries(own.map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints[0]?.value]))));
});
server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));
`;

test('a scrape and the own MeterProvider say what happened, and the scrape is no request of the service', {
  timeout: 60_000,
}, async (t) => {
  const folder = createServiceFolder({ 'server.js': SERVER }, ['@opentelemetry/api', '@opentelemetry/sdk-metrics']);
  t.after(() => folder.remove());
  const port = await freePort();
  const service = await folder.start({ entry: 'server.js', env: { AUDIT_PROMETHEUS: String(port), AUDIT_MODE: 'attach' } });
  for (let n = 0; n < 5; n += 1) await send(`${service.url}/api/things`, { method: 'POST' }, '{}');
  const scrape = async (): Promise<string> => (await send(`http://127.0.0.1:${port}/metrics`)).body;
  let text = '';
  await until('the file exporter has all six', async () => {
    text = await scrape();
    return text.includes('audit_records_exported_total{exporter="file"} 6');
  });
  // Five requests and the trail's own start.
  assert.match(text, /^audit_records_emitted_total 6$/m);
  assert.match(text, /^audit_records_dropped_total\{reason="none"\} 0$/m);
  assert.match(text, /^audit_queue_depth\{exporter="file"\} 0$/m);
  assert.match(text, /^audit_health\{status="healthy"\} 1$/m);
  assert.match(text, /^audit_export_duration_seconds_count\{exporter="file"\} [1-9]/m);
  assert.equal((await send(`http://127.0.0.1:${port}/health`)).status, 200);
  let own: Readonly<Record<string, number>> = {};
  await until('the provider has been found', async () => {
    own = JSON.parse((await send(`${service.url}/metrics`)).body) as Readonly<Record<string, number>>;
    return own['audit.records.emitted'] !== undefined;
  });
  assert.equal(own['audit.records.emitted'], 6);
  assert.equal(own['audit.journal.limit'], 512 * 1024 * 1024);
  await service.end();
  assert.deepEqual(
    folder.records().map(({ request }) => request?.path),
    Array.from({ length: 5 }, () => '/api/things'),
  );
});
