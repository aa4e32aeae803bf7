/** samples/own-sdk with an OTLP endpoint: a record for every request, whatever its own sampler exports. */

import '../support/network-guard.js';
import assert from 'node:assert/strict';
import http from 'node:http';
import { it, type TestContext } from 'node:test';
import { listen, send } from '../support/audited-server.js';
import { createSampleFolder } from '../support/service.js';

const HOOKS_ALONE = `
  const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
  const { NodeSDK } = require('@opentelemetry/sdk-node');
  const { auditHttpHooks } = require('otel-audit');
  const options = { spanProcessors: [], logRecordProcessors: [], metricReaders: [] };
  const sdk = new NodeSDK({ ...options, instrumentations: [new HttpInstrumentation(auditHttpHooks())] });
  sdk.start();
  module.exports = { shutdown: () => sdk.shutdown() };`;

it('samples/own-sdk records every request, exports what its sampler keeps, and its spans name their records', async (t) => {
  const { url, spans } = await startCollector(t);
  const folder = createSampleFolder('own-sdk');
  t.after(() => folder.remove());
  const service = await folder.start({
    entry: 'server.js',
    preload: [],
    env: { PORT: '0', AUDIT_EXPORTER: 'file', OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_NODE_RESOURCE_DETECTORS: 'none' },
  });
  for (let n = 0; n < 200; n += 1) await send(`${service.url}/tickets`, { method: 'POST' }, `{"subject":"printer ${n}"}`);
  assert.deepEqual(await service.end(), { code: 0, signal: null }, service.stderr());

  const records = folder.records();
  const requests = records.filter(({ kind }) => kind === 'http');
  assert.equal(requests.length, 200);
  assert.ok(requests.every(({ action, actor }) => action === 'ticket.created' && actor.id === 'agent-7' && actor.verified));
  const [event, ...more] = records.filter(({ kind }) => kind === 'event');
  assert.deepEqual(more, []);
  assert.deepEqual([event?.action, event?.actor.id, event?.refersTo], ['queue.opened', 'agent-7', requests[0]?.id]);
  assert.equal(new Set(requests.map(({ trace }) => trace?.traceId)).size, 200);

  // 200 at 10 %: outside of 2 to 60 once in 10^6 runs.
  assert.ok(spans.length >= 2 && spans.length <= 60, `${spans.length} spans were exported`);
  for (const { traceId, attributes } of spans) {
    const values = new Map(attributes.map(({ key, value }) => [key, value.stringValue]));
    const record = requests.find(({ id }) => id === values.get('audit.record.id'));
    assert.equal(record?.trace?.traceId, traceId);
    assert.equal(values.get('audit.action'), 'ticket.created');
    assert.equal(values.get('audit.actor.id'), 'agent-7');
    assert.equal(values.get('audit.request.body'), undefined);
  }
});

it('samples/own-sdk records every request once with the hooks alone', async (t) => {
  const folder = createSampleFolder('own-sdk', { 'telemetry.js': HOOKS_ALONE });
  t.after(() => folder.remove());
  const service = await folder.start({ entry: 'server.js', preload: [], env: { PORT: '0', AUDIT_EXPORTER: 'file' } });
  for (let n = 0; n < 20; n += 1) await send(`${service.url}/tickets`);
  await service.end();
  const requests = folder.records().filter(({ kind }) => kind === 'http');
  assert.equal(requests.length, 20);
  assert.equal(new Set(requests.map(({ id }) => id)).size, 20);
});

interface ExportedSpan {
  readonly traceId: string;
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
}

/** Takes OTLP traces in JSON. */
async function startCollector(t: TestContext) {
  const spans: ExportedSpan[] = [];
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as {
      resourceSpans: { scopeSpans: { spans: ExportedSpan[] }[] }[];
    };
    spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  const { url, close } = await listen(server);
  t.after(close);
  return { url, spans };
}
