import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { createSessionId, traceOf } from '../../../src/capture/request-context.js';
import type { AuditRecord } from '../../../src/record.js';
import { auditThisProcess, listen, send } from '../../support/audited-server.js';

const KEY = 'k'.repeat(32);
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

const audited = auditThisProcess({
  HASH_KEY: KEY,
  MAX_BODY_BYTES: 40,
  CORRELATION_HEADERS: 'X-Correlation-Id',
  policy: [
    { name: 'short', match: { path: '/short' }, level: 'full', maxBodyBytes: 10, headers: 'x-kept' },
    { name: 'long', match: { path: '/orders/*' }, level: 'full', maxBodyBytes: 1000, target: '/orders/:id', action: 'order.sent' },
    { name: 'failed', match: { path: '/short', status: '5xx' }, level: 'full', maxBodyBytes: 500 },
  ],
});
let server: Awaited<ReturnType<typeof listen>>;

async function recordOf(path: string, headers: http.OutgoingHttpHeaders, body = ''): Promise<AuditRecord> {
  const next = audited.record(audited.records.length + 1);
  await send(`${server.url}${path}`, { method: 'POST', headers: { 'content-type': 'text/plain', ...headers } }, body);
  return await next;
}

describe('what ties a request to others', () => {
  before(async () => {
    server = await listen(http.createServer((request, response) => request.pipe(response)));
  });
  after(() => server.close());

  it('is a keyed hash of the session, the trace of the caller, and the correlation headers', async () => {
    const headers = {
      cookie: 'a=b; connect.sid=s%3Asecret.sig',
      traceparent: `00-${TRACE}-${SPAN}-00`,
      'x-correlation-id': 'c-1',
      'x-other': 'o',
    };
    const record = await recordOf('/a', headers);
    assert.match(String(record.metadata?.['sessionId']), /^[0-9a-f]{32}$/);
    assert.deepEqual(record.trace, { traceId: TRACE, spanId: SPAN });
    assert.equal(record.request?.headers?.['x-correlation-id'], 'c-1');
    assert.equal(record.request?.headers?.['x-other'], undefined);
    assert.equal((await recordOf('/b', headers)).metadata?.['sessionId'], record.metadata?.['sessionId']);
    assert.ok(!JSON.stringify(record).includes('secret'));
  });

  it('is a keyed hash of an API key, the same each time', async () => {
    const key = 'sk_live_0123456789abcdef';
    const { actor } = await recordOf('/a', { 'x-api-key': key });
    assert.equal(actor.id, `key:${createHmac('sha256', KEY).update(key).digest('base64url').slice(0, 22)}`);
  });

  it('has no session id without a cookie', async () => {
    assert.equal((await recordOf('/a', { cookie: 'other=1' })).metadata, undefined);
  });

  it('keeps of a body and of the headers what the rule in force says', async () => {
    const body = 'x'.repeat(200);
    const short = await recordOf('/short', { 'x-kept': 'yes' }, body);
    assert.deepEqual([short.request?.body?.length, short.request?.bodyTruncated, short.request?.bodySize], [10, true, 200]);
    assert.equal(short.request?.headers?.['x-kept'], 'yes');
    const long = await recordOf('/orders/7', {}, body);
    assert.deepEqual([long.request?.body?.length, long.request?.bodyTruncated], [200, false]);
    assert.deepEqual([long.action, long.target], ['order.sent', { type: 'order', id: '7' }]);
    assert.equal((await recordOf('/other', {}, body)).request?.body?.length, 40);
  });

  it('judges a request by the policy it arrived under', async () => {
    const next = audited.record(audited.records.length + 1);
    const request = http.request(`${server.url}/short`, { method: 'POST' });
    const answered = new Promise((resolve) => request.on('response', (response) => response.resume().on('end', resolve)));
    request.write('begun');
    await new Promise<void>((resolve) => request.on('socket', (socket) => socket.once('connect', resolve)));
    const { open } = audited.pipeline.health().capture;
    while (audited.pipeline.health().capture.open === open && open === 0) await new Promise((resolve) => setImmediate(resolve));
    audited.pipeline.setPolicy({ rules: [{ name: 'nothing', match: {}, level: 'none' }], excludePaths: [], delivery: 'async' });
    request.end();
    await answered;
    assert.equal((await next).request?.path, '/short');
    const { excluded } = audited.pipeline.health().capture;
    await send(`${server.url}/short`);
    assert.equal(audited.pipeline.health().capture.excluded['nothing'], (excluded['nothing'] ?? 0) + 1);
  });
});

describe('a session id', () => {
  it('does not exist without a key', () => {
    assert.equal(createSessionId(['sid'], undefined)({ cookie: 'sid=1' }), undefined);
    assert.notEqual(createSessionId(['sid'], KEY)({ cookie: 'sid=1' }), createSessionId(['sid'], 'other'.repeat(8))({ cookie: 'sid=1' }));
  });

  it('is of one of the named cookies, whatever the header holds', () => {
    const of = createSessionId(['sid'], KEY);
    assert.equal(of({ cookie: 'xsid=1; sid' }), undefined);
    assert.equal(of({ cookie: 'sid=' }), undefined);
    fc.assert(fc.property(fc.string(), (cookie) => /^[0-9a-f]{32}$|^undefined$/.test(String(of({ cookie })))));
  });
});

describe('a traceparent', () => {
  it('is taken if it is valid', () => {
    assert.deepEqual(traceOf(`00-${TRACE}-${SPAN}-01`), { traceId: TRACE, spanId: SPAN });
    assert.deepEqual(traceOf(`cc-${TRACE}-${SPAN}-01-more`), { traceId: TRACE, spanId: SPAN });
    for (const invalid of [
      undefined,
      '',
      `ff-${TRACE}-${SPAN}-01`,
      `00-${'0'.repeat(32)}-${SPAN}-01`,
      `00-${TRACE}-${'0'.repeat(16)}-01`,
      `00-${TRACE}-${SPAN}-01-more`,
      `00-${TRACE.toUpperCase()}-${SPAN}-01`,
      `00-${TRACE}-${SPAN}`,
      [`00-${TRACE}-${SPAN}-01`],
    ])
      assert.equal(traceOf(invalid), undefined, String(invalid));
  });
});
