import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { JournalledRecord } from '../../src/record.js';
import { send } from '../support/audited-server.js';
import { createServiceFolder, type ServiceFolder } from '../support/service.js';

const SERVICE = `
const http = require('node:http');
const { trace } = require('@opentelemetry/api');
const { logs } = require('@opentelemetry/api-logs');
const { audit, addMetadata, currentAudit, setActor, setOutcome, skipAudit } = require('otel-audit');
const wait = () => new Promise((resolve) => setImmediate(resolve));
const routes = {
  async '/login'() { return await audit.login({ actor: { id: 'ada', email: 'ada@x.example' }, metadata: { method: 'passkey' } }); },
  async '/login-failed'() { return await audit.login({ actor: 'ada', outcome: 'failure', error: 'wrong password=hunter2' }); },
  async '/logout'() { return await audit.logout({ actor: 'ada' }); },
  async '/job'() {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    return await audit.run({ action: 'invoice.exported', actor: { id: 'cron', type: 'system' }, tenant: 'acme', target: { type: 'invoice', id: 9 }, requestId: 'msg-7', traceparent }, async () => {
      await wait();
      await audit({ action: 'page.rendered' });
      addMetadata({ pages: 3 });
      return currentAudit();
    });
  },
  async '/job-failed'() { return await audit.run({ action: 'invoice.exported' }, async () => { await wait(); throw new Error('disk full, token=hunter2'); }).catch((error) => error.message); },
  async '/context-only'() { return await audit.run({ actor: 'queue', tenant: 'globex' }, () => audit({ action: 'message.handled' })); },
  async '/job-skipped'() { return await audit.run({ action: 'nothing.done' }, () => { skipAudit(); return 'sync'; }); },
  async '/flagged-span'() {
    trace.getTracer('own').startSpan('x', { attributes: { 'audit.flagged': true, 'audit.action': 'stock.counted', 'audit.actor.id': 'root', 'audit.actor.verified': true, 'audit.metadata': '{"password":"hunter2","n":1}' } }).end();
    trace.getTracer('own').startSpan('x', { attributes: { 'audit.flagged': 'true', 'audit.action': 'not.flagged' } }).end();
    return {};
  },
  async '/flagged-log'() {
    logs.getLogger('own').emit({ body: 'text', attributes: { 'audit.flagged': true, 'audit.action': 'limit.raised', 'audit.outcome': 'failure' } });
    logs.getLogger('own').emit({ body: 'text', attributes: { 'audit.action': 'not.flagged' } });
    return {};
  },
};
const server = http.createServer((request, response) => {
  routes[request.url]().then((answer) => response.end(JSON.stringify(answer ?? null)));
});
// A server that a job starts serves nobody in the job's name.
audit.run({ actor: 'starter' }, () => server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port)));
process.on('SIGTERM', () => { server.close(); server.closeAllConnections(); });
`;

const PATHS = [
  '/login',
  '/login-failed',
  '/logout',
  '/job',
  '/job-failed',
  '/context-only',
  '/job-skipped',
  '/flagged-span',
  '/flagged-log',
] as const;

describe('manual events and flagged telemetry', () => {
  let folder: ServiceFolder;
  const answers = new Map<string, unknown>();
  const recordsOf = new Map<string, readonly JournalledRecord[]>();

  before(async () => {
    folder = createServiceFolder({ 'server.js': SERVICE }, ['@opentelemetry/api', '@opentelemetry/api-logs']);
    const service = await folder.start({ entry: 'server.js' });
    for (const path of PATHS) answers.set(path, JSON.parse((await send(`${service.url}${path}`, { method: 'POST' })).body));
    assert.deepEqual(await service.end(), { code: 0, signal: null }, service.stderr());
    // One request after the other, and the record of each comes after those made in it.
    let begun: JournalledRecord[] = [];
    for (const record of folder.records()) {
      begun.push(record);
      if (record.kind !== 'http') continue;
      recordsOf.set(record.request?.path ?? '', begun);
      begun = [];
    }
  });
  after(() => folder.remove());

  function ask(path: (typeof PATHS)[number]): { readonly answer: unknown; readonly records: readonly JournalledRecord[] } {
    return { answer: answers.get(path), records: recordsOf.get(path) ?? [] };
  }

  it('answers a receipt with the hash that the chain has', () => {
    const { answer, records } = ask('/login');
    const [event, request] = records as [JournalledRecord, JournalledRecord];
    assert.deepEqual(answer, { id: event.id, hash: event.integrity.hash, durable: true });
    assert.deepEqual(
      [event.action, event.outcome, event.actor.id, event.metadata],
      ['user.login', 'success', 'ada', { method: 'passkey' }],
    );
    assert.deepEqual([request.actor.id, request.actor.verified], ['ada', true]);
  });

  it('calls the actor of a failed login a claim, and leaves the request to nobody', () => {
    const { records } = ask('/login-failed');
    const [event, request] = records as [JournalledRecord, JournalledRecord];
    assert.deepEqual([event.action, event.outcome, event.actor.id, event.actor.verified], ['user.login', 'failure', 'ada', false]);
    assert.equal(event.error?.message, 'wrong password=[REDACTED]');
    assert.equal(request.actor.id, 'anonymous');
  });

  it('records a logout', () => {
    assert.equal(ask('/logout').records[0]?.action, 'user.logout');
  });

  it('runs a job in its own name, and records it when it settles', () => {
    const { answer, records } = ask('/job');
    const [page, job, request] = records as [JournalledRecord, JournalledRecord, JournalledRecord];
    assert.deepEqual(answer, { id: job.id, requestId: 'msg-7' });
    assert.deepEqual([page.action, page.actor.id, page.tenant?.id, page.request?.id], ['page.rendered', 'cron', 'acme', 'msg-7']);
    assert.deepEqual([page.refersTo, page.trace?.traceId], [job.id, '0af7651916cd43dd8448eb211c80319c']);
    assert.deepEqual(
      [job.action, job.outcome, job.kind, job.target],
      ['invoice.exported', 'success', 'event', { id: '9', type: 'invoice' }],
    );
    assert.deepEqual([job.metadata, job.refersTo], [{ pages: 3 }, request.id]);
    assert.ok((job.durationMs ?? -1) >= 0);
    assert.deepEqual([request.actor.id, request.metadata], ['anonymous', undefined]);
  });

  it('records a job that fails as a failure, and leaves its error to the service', () => {
    const { answer, records } = ask('/job-failed');
    assert.equal(answer, 'disk full, token=hunter2');
    assert.deepEqual([records[0]?.outcome, records[0]?.error], ['failure', { message: 'disk full, token=[REDACTED]', type: 'Error' }]);
  });

  it('gives a context alone to what happens in it', () => {
    const { records } = ask('/context-only');
    assert.deepEqual(
      records.map(({ action, actor, tenant }) => [action, actor.id, tenant?.id]),
      [
        ['message.handled', 'queue', 'globex'],
        ['context-only.created', 'anonymous', undefined],
      ],
    );
  });

  it('answers what the work answers, and skips the record of a job that says so', () => {
    const { answer, records } = ask('/job-skipped');
    assert.equal(answer, 'sync');
    assert.equal(records.length, 1);
  });

  it('turns a flagged span into a record that is trusted in nothing, and no other', () => {
    const { records } = ask('/flagged-span');
    assert.equal(records.length, 2);
    const [record] = records;
    assert.deepEqual([record?.action, record?.kind, record?.outcome], ['stock.counted', 'event', 'unknown']);
    assert.deepEqual([record?.actor.id, record?.actor.verified, record?.actor.source], ['root', false, 'telemetry']);
    assert.deepEqual(record?.metadata, { n: 1, password: '[REDACTED]' });
  });

  it('turns a flagged log record into one', () => {
    const { records } = ask('/flagged-log');
    assert.equal(records.length, 2);
    assert.deepEqual([records[0]?.action, records[0]?.outcome, records[0]?.actor.verified], ['limit.raised', 'failure', false]);
  });
});
