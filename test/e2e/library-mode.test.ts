import assert from 'node:assert/strict';
import http from 'node:http';
import { after, describe, it } from 'node:test';
import { createMemoryExporter } from '../../exporters/memory/index.js';
import { audit, auditHttpHooks, startAudit } from '../../src/index.js';
import { listen, send } from '../support/audited-server.js';
import { createServiceFolder, type ServiceFolder } from '../support/service.js';
import { makeDirectory } from '../support/waiting.js';

const POST = { method: 'POST', headers: { 'content-type': 'application/json' } };
const BODY = '{"item":"anvil","password":"hunter2"}';

/** A service that owns its SDK and wires the audit into it. Its sampler exports nothing. */
const WIRED = `
const { AuditLogRecordProcessor, AuditSampler, AuditSpanProcessor, auditHttpHooks } = require('otel-audit');
const { NodeSDK } = require('@opentelemetry/sdk-node');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { AlwaysOffSampler, InMemorySpanExporter, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const exporter = new InMemorySpanExporter();
const ended = [];
const seeing = { onStart() {}, onEnd: (span) => ended.push(span), forceFlush: async () => {}, shutdown: async () => {} };
new NodeSDK({
  autoDetectResources: false,
  instrumentations: [new HttpInstrumentation({ ...auditHttpHooks(), disableOutgoingRequestInstrumentation: true })],
  sampler: new AuditSampler(new AlwaysOffSampler()),
  spanProcessors: [new AuditSpanProcessor(), seeing, new SimpleSpanProcessor(exporter)],
  logRecordProcessors: [new AuditLogRecordProcessor()],
  metricReaders: [],
}).start();
const server = require('node:http').createServer((request, response) => response.end(JSON.stringify({
  exported: exporter.getFinishedSpans().length,
  spans: ended.map((span) => ({ traceId: span.spanContext().traceId, attributes: span.attributes })),
})));
server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));`;
const PLAIN = `
const server = require('node:http').createServer((request, response) => response.end(JSON.stringify({
  api: globalThis[Symbol.for('opentelemetry.js.api.1')] === undefined,
  sdk: Object.keys(require.cache).filter((file) => /sdk-node|instrumentation-http/.test(file)).length,
  hooks: Object.values(require('otel-audit').auditHttpHooks()).map((hook) => typeof hook),
})));
server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));`;
const PACKAGES = ['sdk-node', 'instrumentation-http', 'sdk-trace-base'].map((name) => `@opentelemetry/${name}`);

interface Told {
  readonly exported: number;
  readonly spans: readonly { readonly traceId: string; readonly attributes: Readonly<Record<string, unknown>> }[];
}

describe('library mode', () => {
  const folders: ServiceFolder[] = [];
  after(() => {
    for (const folder of folders) folder.remove();
  });

  it('records in process, with exporters and settings given as objects, also for servers that were there before', async (t) => {
    const server = await listen(http.createServer((request, response) => request.resume().on('end', () => response.end('{"ok":true}'))));
    t.after(() => server.close());
    const memory = createMemoryExporter();
    const settings = {
      SERVICE_NAME: 'in-process',
      JOURNAL_DIR: makeDirectory(),
      EXCLUDE_PATHS: ['/private'],
      CAPTURE_RESPONSE_BODY: false,
    };
    const redaction = { isSensitive: (key: string) => key === 'item' };
    const handle = startAudit({ exporters: [memory], settings, redaction });
    await send(`${server.url}/api/orders`, POST, BODY);
    await send(`${server.url}/private`);
    await audit({ action: 'report.made' });
    const { capture, exporters } = await handle.flush();
    const [request, event] = memory.records.filter((record) => record.kind !== 'lifecycle');
    assert.deepEqual([request?.service.name, request?.action, event?.action], ['in-process', 'order.created', 'report.made']);
    assert.deepEqual([request?.request?.body, request?.response?.bodyOmitted], ['{"item":"[REDACTED]","password":"[REDACTED]"}', 'level']);
    assert.deepEqual([capture.seen, capture.journalled, exporters['memory']?.delivered], [4, 3, 3]);
    assert.equal(startAudit(), handle);
    assert.equal(auditHttpHooks(), auditHttpHooks());
    await handle.shutdown();
    await send(`${server.url}/api/orders`, POST, BODY);
    assert.deepEqual(
      memory.records.map((record) => record.action),
      ['audit.start', 'order.created', 'report.made', 'audit.stop'],
    );
    assert.equal(Object.values(handle.health().capture.dropped)[0], 1);
  });

  for (const [how, preload] of [
    ['by itself', []],
    ['with the preload there as well', ['--require', 'otel-audit/register']],
  ] as const) {
    it(`gives the hooks, sampler and processors to the service's own SDK, ${how}`, async () => {
      const folder = createServiceFolder({ 'server.cjs': WIRED }, PACKAGES);
      folders.push(folder);
      const service = await folder.start({ entry: 'server.cjs', preload, env: { AUDIT_MODE: 'library', AUDIT_SPAN_BODIES: 'on' } });
      await send(`${service.url}/api/orders`, POST, BODY);
      const told = JSON.parse((await send(service.url)).body) as Told;
      await service.end();
      const [record, ...others] = folder.records();
      const [span] = told.spans;
      assert.equal(others.length, 1, 'one record a request');
      assert.deepEqual([told.exported, told.spans.length], [0, 1]);
      assert.equal(span?.traceId, record?.trace?.traceId);
      assert.equal(span?.attributes['audit.record.id'], record?.id);
      assert.equal(span?.attributes['audit.action'], 'order.created');
      assert.equal(span?.attributes['audit.response.body'], record?.response?.body);
    });
  }

  it('starts no SDK when the preload is told so, and has the hooks ready', async () => {
    const folder = createServiceFolder({ 'server.cjs': PLAIN });
    folders.push(folder);
    const service = await folder.start({ entry: 'server.cjs', env: { AUDIT_MODE: 'library' } });
    const told = JSON.parse((await send(service.url)).body) as unknown;
    await service.end();
    assert.deepEqual(told, { api: true, sdk: 0, hooks: ['function', 'function', 'function', 'function'] });
    assert.equal(folder.records().length, 1);
  });
});
