import assert from 'node:assert/strict';
import type http from 'node:http';
import { after, before, describe, it } from 'node:test';
import { recordsFromEnvelopes } from '../../exporters/azure/index.js';
import { recordFromAttributes } from '../../exporters/otlp/index.js';
import type { AuditRecord, JournalledRecord } from '../../src/record.js';
import { verifies } from '../../src/testing/records.js';
import { readTrail } from '../support/audit-schema.js';
import { send } from '../support/audited-server.js';
import { type IngestionServer, startIngestionServer } from '../support/ingestion-server.js';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';
import { createServiceFolder, type ServiceFolder } from '../support/service.js';

const SERVICE = `
import express from 'express';
const app = express();
app.use(express.json({ limit: '1mb' }));
app.use(express.urlencoded({ extended: false }));
app.use(express.text({ type: ['text/*', 'application/xml'] }));
app.get('/health', (request, response) => response.send('ok'));
app.get('/orders/:id', (request, response) => response.json({ id: request.params.id, email: 'ada@acme.example' }));
app.get('/binary', (request, response) => response.type('image/png').send(Buffer.from([137, 80, 78, 71, 0, 1, 2])));
app.get('/never', () => {});
app.post('/orders', (request, response) => response.status(201).json({ id: 7, token: 'hunter2' }));
app.post('/echo', (request, response) => response.type(request.get('content-type') ?? 'text/plain').send(typeof request.body === 'string' ? request.body : JSON.stringify(request.body ?? null)));
app.post('/fail', () => { throw new Error('db password=hunter2 refused'); });
app.put('/orders/:id', (request, response) => response.status(204).end());
app.patch('/orders/:id', (request, response) => response.status(409).json({ error: 'conflict' }));
app.delete('/orders/:id', (request, response) => response.status(403).json({ error: 'forbidden' }));
app.use((error, request, response, next) => response.status(error.status ?? 500).json({ error: 'internal' }));
const server = app.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));
process.on('SIGTERM', () => { server.close(); server.closeAllConnections(); });
`;

const JSON_TYPE = { 'content-type': 'application/json' };
const token = (claims: object): string => `Bearer e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;
const ADA = token({ sub: 'ada', email: 'ada@acme.example', tenant_id: 'acme', actor_type: 'admin' });
const ROBOT = token({ tid: 'T', oid: 'O', sub: 'O', roles: ['Orders.Write'], appid: 'app-1' });

type Request = readonly [method: string, path: string, headers?: http.OutgoingHttpHeaders, body?: string | Buffer];
const REQUESTS: readonly Request[] = [
  ['POST', '/orders', { ...JSON_TYPE, authorization: ADA }, '{"item":"anvil","password":"hunter2","card":"4111 1111 1111 1111"}'],
  ['POST', '/orders', { ...JSON_TYPE, authorization: ROBOT }, '{"item":"ünïcödé 🚀","nested":{"apiKey":"hunter2"}}'],
  ['POST', '/echo', { 'content-type': 'application/x-www-form-urlencoded' }, 'user=ada&pass%77ord=hunter2'],
  ['POST', '/echo', { 'content-type': 'text/plain' }, 'plain text with Bearer hunter2hunter2'],
  ['POST', '/echo', { 'content-type': 'application/xml' }, '<login><password>hunter2</password><user>ada</user></login>'],
  ['POST', '/echo', JSON_TYPE, '{"item":"cut off, "password":"hunter2'],
  ['POST', '/echo', JSON_TYPE, JSON.stringify({ list: Array.from({ length: 4000 }, (_, index) => index) })],
  ['POST', '/echo', { 'content-type': 'application/octet-stream' }, Buffer.from([0, 1, 2, 255])],
  ['POST', '/fail', JSON_TYPE, '{}'],
  ['PUT', '/orders/42', { ...JSON_TYPE, authorization: ADA }, '{"quantity":2}'],
  ['PATCH', '/orders/42', { ...JSON_TYPE, authorization: ADA }, '{"quantity":3}'],
  ['DELETE', '/orders/42', { authorization: ADA }],
  ['GET', '/orders/42?token=hunter2&page=1', { authorization: ADA, 'x-request-id': 'client-id-1' }],
  ['GET', '/orders/42', { authorization: 'Bearer not.a.token' }],
  ['GET', '/orders/42', { 'x-forwarded-for': '203.0.113.9', 'x-request-id': 'x'.repeat(500) }],
  ['HEAD', '/orders/42'],
  ['GET', '/binary'],
  ['OPTIONS', '/orders', { origin: 'https://a.example' }],
  ['GET', '/nowhere/%00%ff/..%2fetc'],
  ['GET', '/never'],
];

describe('twenty varied requests', () => {
  let postgres: TestPostgres;
  let ingestion: IngestionServer;
  let receiver: OtlpReceiver;
  let folder: ServiceFolder;
  let files: readonly JournalledRecord[];
  let rows: ReadonlyMap<string, JournalledRecord>;
  let events: ReadonlyMap<string, AuditRecord>;
  let logs: ReadonlyMap<string, AuditRecord>;

  before(async () => {
    [postgres, ingestion, receiver] = await Promise.all([startPostgres(), startIngestionServer(), startOtlpReceiver()]);
    folder = createServiceFolder({ 'server.mjs': SERVICE }, ['express']);
    const service = await folder.start({
      entry: 'server.mjs',
      env: {
        AUDIT_EXPORTER: 'postgres,azure,otlp,file',
        AUDIT_POSTGRES_URL: postgres.url,
        AUDIT_AZURE_CONNECTION_STRING: ingestion.connectionString,
        AUDIT_OTLP_ENDPOINT: receiver.endpoint,
      },
    });
    for (const [method, path, headers = {}, body] of REQUESTS) {
      const signal = path === '/never' ? AbortSignal.timeout(100) : AbortSignal.timeout(10_000);
      await send(`${service.url}${path}`, { method, headers, signal }, body).catch((error: Error) =>
        assert.equal(path, '/never', error.message),
      );
    }
    assert.deepEqual(await service.end(), { code: 0, signal: null }, service.stderr());
    files = folder.records();
    rows = byId((await readTrail(postgres.url)).filter(isOfRequest));
    events = byId(recordsFromEnvelopes(ingestion.items).records.filter(isOfRequest));
    logs = byId(receiver.logs.flatMap(({ attributes }) => recordFromAttributes(attributes) ?? []).filter(isOfRequest));
    if (process.env['SHOW_TABLE'] === '1') show(files);
  });
  after(async () => {
    folder?.remove();
    await Promise.all([postgres?.stop(), ingestion?.close(), receiver?.close()]);
  });

  it('become one record each in every sink', () => {
    assert.deepEqual(
      files.map((record) => record.request?.method),
      REQUESTS.map(([method]) => method),
    );
    assert.equal(rows.size, REQUESTS.length);
    assert.equal(events.size, REQUESTS.length);
    assert.equal(logs.size, REQUESTS.length);
  });

  it('become the same record in every sink, and each verifies', () => {
    for (const record of files) {
      assert.ok(verifies(record));
      assert.deepEqual(rows.get(record.id), record);
      assert.deepEqual(events.get(record.id), record);
      assert.deepEqual(logs.get(record.id), record);
    }
  });

  it('hold no secret in any sink', () => {
    const everything = JSON.stringify([files, [...rows.values()], ingestion.items, receiver.logs.map(({ attributes }) => attributes)]);
    for (const secret of ['hunter2', '4111 1111 1111 1111']) assert.ok(!everything.includes(secret), secret);
  });

  it('say what happened', () => {
    assert.deepEqual(
      files.map((record) => [
        record.action,
        record.outcome,
        record.response?.status,
        record.actor.id,
        record.request?.bodyOmitted ?? record.request?.bodyFormat,
      ]),
      [
        ['order.created', 'success', 201, 'ada', 'json'],
        ['order.created', 'success', 201, 'T:O', 'json'],
        ['echo.created', 'success', 200, 'anonymous', 'text'],
        ['echo.created', 'success', 200, 'anonymous', 'text'],
        ['echo.created', 'success', 200, 'anonymous', 'text'],
        ['echo.created', 'failure', 400, 'anonymous', 'unparsable'],
        ['echo.created', 'success', 200, 'anonymous', 'json'],
        ['echo.created', 'success', 200, 'anonymous', 'binary'],
        ['fail.created', 'failure', 500, 'anonymous', 'json'],
        ['order.updated', 'success', 204, 'ada', 'json'],
        ['order.updated', 'failure', 409, 'ada', 'json'],
        ['order.deleted', 'failure', 403, 'ada', undefined],
        ['order.accessed', 'success', 200, 'ada', undefined],
        ['order.accessed', 'success', 200, 'anonymous', undefined],
        ['order.accessed', 'success', 200, 'anonymous', undefined],
        ['order.accessed', 'success', 200, 'anonymous', undefined],
        ['binary.accessed', 'success', 200, 'anonymous', undefined],
        ['order.options', 'success', 200, 'anonymous', undefined],
        ['nowhere.accessed', 'failure', 404, 'anonymous', undefined],
        ['never.accessed', 'aborted', undefined, 'anonymous', undefined],
      ],
    );
  });

  function show(records: readonly JournalledRecord[]): void {
    for (const record of records) {
      const { request, response } = record;
      const cells = [
        `${request?.method} ${request?.path}`,
        record.action,
        record.outcome,
        response?.status ?? '-',
        record.actor.id,
        request?.body?.slice(0, 60) ?? request?.bodyOmitted ?? '',
        rows.has(record.id) ? 'equal' : 'MISSING',
        events.has(record.id) ? 'equal' : 'MISSING',
        logs.has(record.id) ? 'equal' : 'MISSING',
      ];
      process.stdout.write(`| ${cells.join(' | ')} |\n`);
    }
  }
});

function isOfRequest({ kind }: AuditRecord): boolean {
  return kind !== 'lifecycle';
}

function byId<Kind extends AuditRecord>(records: readonly Kind[]): ReadonlyMap<string, Kind> {
  return new Map(records.map((record) => [record.id, record]));
}
