import assert from 'node:assert/strict';
import http from 'node:http';
import { after, describe, it } from 'node:test';
import type { JournalledRecord } from '../../src/record.js';
import { send } from '../support/audited-server.js';
import { complaintsOf, createServiceFolder, type ServiceFolder } from '../support/service.js';

const CJS = `
const http = require('node:http');
const server = http.createServer((request, response) => {
  if (request.url === '/throw') throw new Error('handler failed with token=abc');
  request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}'));
});
process.on('uncaughtException', (error) => { console.error('survived ' + error.message); });
server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));
`;
const ESM = `
import { createServer } from 'node:http';
const server = createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}'));
});
server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));
`;
const EXPRESS = `
import express from 'express';
import { addMetadata, audit, currentAudit, setActor, setTenant } from 'otel-audit';
const app = express();
app.use(express.json());
const api = express.Router();
api.post('/orders/:id/items', async (request, response) => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  setActor({ id: 'u-7', type: 'customer', email: 'u@x.example' });
  setTenant('acme');
  addMetadata({ password: 'hunter2', batch: 7 });
  await audit({ action: 'stock.reserved', target: { type: 'item', id: 5 } });
  response.status(201).json({ requestId: currentAudit().requestId });
});
app.use('/api', api);
const server = app.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));
`;

const BODY = JSON.stringify({ item: 'anvil', password: 'hunter2' });
const POST = { method: 'POST', headers: { 'content-type': 'application/json' } };
const WAYS: readonly [name: string, entry: string, preload: readonly string[]][] = [
  ['--require in a CommonJS service', 'server.cjs', ['--require', 'otel-audit/register']],
  ['--require in an ESM service', 'server.mjs', ['--require', 'otel-audit/register']],
  ['--import in an ESM service', 'server.mjs', ['--import', 'otel-audit/register']],
  ['--import in a CommonJS service', 'server.cjs', ['--import', 'otel-audit/register']],
  ['both at once', 'server.mjs', ['--require', 'otel-audit/register', '--import', 'otel-audit/register']],
];

describe('the preload', () => {
  const folders: ServiceFolder[] = [];
  after(() => {
    for (const folder of folders) folder.remove();
  });
  const folderWith = (files: Record<string, string>, dependencies: readonly string[] = []): ServiceFolder => {
    const folder = createServiceFolder(files, dependencies);
    folders.push(folder);
    return folder;
  };

  for (const [name, entry, preload] of WAYS) {
    it(`records with ${name}, in standalone mode`, async () => {
      const folder = folderWith({ 'server.cjs': CJS, 'server.mjs': ESM });
      const service = await folder.start({ entry, preload });
      const answer = await send(`${service.url}/api/orders?token=hunter2`, POST, BODY);
      await service.end();
      const records = folder.records();
      assert.equal(records.length, 1, service.stderr());
      const record = records[0] as JournalledRecord;
      assert.equal(record.action, 'order.created');
      assert.equal(record.outcome, 'success');
      assert.equal(record.response?.body, '{"ok":true}');
      assert.equal(record.service.name, 'tested-service');
      assert.equal(answer.headers['x-request-id'], record.id);
      assert.match(record.trace?.traceId ?? '', /^[0-9a-f]{32}$/);
      assert.ok(!JSON.stringify(record).includes('hunter2'));
      assert.equal(complaintsOf(service), '');
    });
  }

  it('records a handler that throws synchronously, once, and leaves its error to the service', async () => {
    const folder = folderWith({ 'server.cjs': CJS });
    const service = await folder.start({ entry: 'server.cjs' });
    // Nobody answers: the service survives the error, and the client gives up.
    await assert.rejects(fetch(`${service.url}/throw`, { signal: AbortSignal.timeout(1500) }));
    await assert.rejects(fetch(`${service.url}/throw`, { signal: AbortSignal.timeout(1500) }));
    await service.end();
    const records = folder.records();
    assert.equal(records.length, 2);
    for (const record of records) {
      assert.equal(record.error?.type, 'Error');
      assert.equal(record.error?.message, 'handler failed with token=[REDACTED]');
      assert.notEqual(record.outcome, 'success');
    }
    assert.match(service.stderr(), /survived handler failed/);
  });

  it('lets a service end by itself, with everything delivered', async () => {
    const folder = folderWith({ 'server.cjs': `${CJS} process.on('SIGTERM', () => server.close());` });
    const service = await folder.start({ entry: 'server.cjs' });
    await send(`${service.url}/api/orders`, POST, BODY);
    assert.deepEqual(await service.end(), { code: 0, signal: null });
    assert.equal(folder.records().length, 1);
  });

  it("leaves a signal's default effect to a service that has no listener", async () => {
    const folder = folderWith({ 'server.cjs': CJS });
    const service = await folder.start({ entry: 'server.cjs' });
    const open = http.request(`${service.url}/open`, { method: 'POST', headers: { 'content-length': '10' } });
    open.on('error', () => {});
    open.write('half');
    await send(`${service.url}/api/orders`, POST, BODY);
    assert.deepEqual(await service.end(), { code: null, signal: 'SIGTERM' });
    assert.deepEqual(
      folder.records().map((record) => record.outcome),
      ['success', 'unknown'],
    );
  });

  it('gives the API its request, from ESM, over awaits', async () => {
    const folder = folderWith({ 'server.mjs': EXPRESS }, ['express']);
    const service = await folder.start({ entry: 'server.mjs' });
    const answer = await send(`${service.url}/api/orders/42/items`, { ...POST, headers: { ...POST.headers, 'x-request-id': 'r-1' } }, BODY);
    await service.end();
    assert.deepEqual(JSON.parse(answer.body), { requestId: 'r-1' });
    const records = folder.records();
    const [event, request] = records as [JournalledRecord, JournalledRecord];
    assert.equal(request.request?.route, '/api/orders/:id/items');
    assert.equal(request.action, 'order.item.created');
    assert.deepEqual(
      [request.actor.id, request.actor.type, request.actor.verified, request.actor.source],
      ['u-7', 'customer', true, 'api'],
    );
    assert.deepEqual(request.tenant, { id: 'acme' });
    assert.deepEqual(request.metadata, { batch: 7, password: '[REDACTED]' });
    assert.deepEqual(
      [event.kind, event.action, event.actor.id, event.refersTo, event.request?.id],
      ['event', 'stock.reserved', 'u-7', request.id, 'r-1'],
    );
    assert.equal(event.trace?.traceId, request.trace?.traceId);
  });

  it('joins the trace of the caller', async () => {
    const folder = folderWith({ 'server.mjs': ESM });
    const service = await folder.start({ entry: 'server.mjs' });
    await send(service.url, { headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00' } });
    await service.end();
    assert.equal(folder.records()[0]?.trace?.traceId, '0af7651916cd43dd8448eb211c80319c');
  });

  it('attaches to the SDK of a service that declares one, and keeps to itself', async () => {
    const own = `
      const { NodeSDK } = require('@opentelemetry/sdk-node');
      const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
      const { InMemorySpanExporter, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');
      const exporter = new InMemorySpanExporter();
      const sdk = new NodeSDK({ instrumentations: [new HttpInstrumentation()], spanProcessors: [new SimpleSpanProcessor(exporter)], autoDetectResources: false, logRecordProcessors: [], metricReaders: [] });
      sdk.start();
      const http = require('node:http');
      const { context } = require('@opentelemetry/api');
      const { getRPCMetadata } = require('@opentelemetry/core');
      const server = http.createServer((request, response) => {
        // As the instrumentations of Koa and hapi do.
        getRPCMetadata(context.active()).route = '/api/orders/:id';
        response.end(request.url === '/spans'
          ? JSON.stringify(exporter.getFinishedSpans().map((span) => ({ traceId: span.spanContext().traceId, attributes: span.attributes }))) : 'ok');
      });
      server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));`;
    const packages = ['api', 'core', 'sdk-node', 'instrumentation-http', 'sdk-trace-base'].map((name) => `@opentelemetry/${name}`);
    const folder = folderWith(
      { 'server.js': own, 'package.json': JSON.stringify({ name: 'own', dependencies: { '@opentelemetry/sdk-node': '*' } }) },
      packages,
    );
    const service = await folder.start({ entry: 'server.js' });
    await send(`${service.url}/api/orders/1`, { method: 'DELETE' });
    const spans = JSON.parse((await send(`${service.url}/spans`)).body) as { traceId: string; attributes: Record<string, unknown> }[];
    await service.end();
    const [record] = folder.records();
    assert.equal(spans.length, 1);
    assert.equal(spans[0]?.traceId, record?.trace?.traceId);
    assert.equal(spans[0]?.attributes['audit.record.id'], record?.id);
    assert.equal(spans[0]?.attributes['audit.action'], 'order.deleted');
    assert.equal(record?.request?.route, '/api/orders/:id');
    assert.equal(spans[0]?.attributes['audit.response.body'], undefined);
  });

  it('records in worker threads and child processes of the service, and not in its own worker', async () => {
    const parent = `
      const { Worker } = require('node:worker_threads');
      const { fork } = require('node:child_process');
      const source = "const http = require('node:http'); const s = http.createServer((q, r) => r.end('x')).listen(0, '127.0.0.1', () => http.get({ port: s.address().port, path: '/from-' + process.env.WHO, agent: false }, (r) => r.resume().on('end', () => s.close())));";
      require('node:fs').writeFileSync(__dirname + '/child.js', source);
      const worker = new Worker(source, { eval: true, env: { ...process.env, WHO: 'thread' } });
      worker.on('exit', () => fork(__dirname + '/child.js', { env: { ...process.env, WHO: 'child' } }).on('exit', () => console.log('http://done')));`;
    const folder = folderWith({ 'server.js': parent });
    const service = await folder.start({ entry: 'server.js' });
    await service.end();
    assert.deepEqual(
      folder
        .records()
        .map((record) => record.request?.path)
        .sort(),
      ['/from-child', '/from-thread'],
    );
  });

  it('stops the start with one message that lists every fault and no secret', async () => {
    const folder = folderWith({ 'server.cjs': CJS });
    const env = { AUDIT_EXPORTER: 'nonesuch', AUDIT_MAX_BODY_BYTES: '-5', AUDIT_POSTGRES_URL: 'mysql://root:hunter2@h' };
    await assert.rejects(folder.start({ entry: 'server.cjs', env }), (error: Error) => {
      assert.match(error.message, /\(78\)/);
      for (const variable of ['AUDIT_MAX_BODY_BYTES', 'AUDIT_POSTGRES_URL']) assert.ok(error.message.includes(variable), error.message);
      assert.ok(!error.message.includes('hunter2'));
      return true;
    });
  });

  it('leaves a socket as forgetful of its peer as Node makes it', async () => {
    const source = `
      const http = require('node:http');
      const server = http.createServer((request) => {
        request.socket.destroy();
        console.error('after: ' + request.socket.remoteAddress);
      });
      server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));`;
    const folder = folderWith({ 'server.js': source });
    for (const mode of ['standalone', 'attach']) {
      const service = await folder.start({ entry: 'server.js', env: { AUDIT_MODE: mode } });
      await assert.rejects(send(service.url));
      await service.end();
      assert.equal(complaintsOf(service), 'after: undefined\n');
    }
    assert.deepEqual(
      folder.records().map(({ client }) => client?.address),
      ['127.0.0.1', '127.0.0.1'],
    );
  });

  it('does nothing at all when it is switched off', async () => {
    const folder = folderWith({ 'server.cjs': CJS });
    const service = await folder.start({ entry: 'server.cjs', env: { AUDIT_ENABLED: 'false' } });
    const answer = await send(service.url);
    await service.end();
    assert.equal(answer.headers['x-request-id'], undefined);
    assert.throws(() => folder.records(), /ENOENT/);
  });
});
