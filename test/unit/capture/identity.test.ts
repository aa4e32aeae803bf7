import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay, setImmediate as tick } from 'node:timers/promises';
import fc from 'fast-check';
import { imbalanceOf } from '../../../src/health.js';
import { setActor, setTenant } from '../../../src/index.js';
import type { AuditRecord } from '../../../src/record.js';
import { auditThisProcess, listen, send } from '../../support/audited-server.js';
import { startKeyServer } from '../../support/key-server.js';
import { hs256, makeKey, rs256, secondsFromNow } from '../../support/tokens.js';
import { until } from '../../support/waiting.js';

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => unknown;

const KEY = makeKey('k1');
const REQUESTS = 1000;
const POLICY = [{ name: 'machines', match: { path: '/machines', actorType: 'service' }, level: 'none' }];

describe('who acts', () => {
  let audited: ReturnType<typeof auditThisProcess>;
  let keys: Awaited<ReturnType<typeof startKeyServer>>;
  let server: Awaited<ReturnType<typeof listen>>;
  let handler: Handler = (_request, response) => response.end('ok');

  before(async () => {
    // Before the tap: the key server is not a part of the service.
    keys = await startKeyServer([KEY]);
    audited = auditThisProcess({
      JWT_JWKS_URL: keys.url,
      TENANT_HEADER: 'x-tenant',
      TRUST_PROXY: '10.0.0.0/8',
      EXCLUDE_PATHS: '/',
      policy: POLICY,
    });
    server = await listen(http.createServer((request, response) => handler(request, response)));
  });
  after(async () => {
    await server.close();
    await keys.close();
  });

  const bearer = (sub: string): Record<string, string> => ({
    authorization: `Bearer ${rs256(KEY, { sub, tenant_id: `t-${sub}`, exp: secondsFromNow(60) })}`,
  });
  async function recordOf(
    headers: Record<string, string>,
    handle: Handler = (_request, response) => response.end('ok'),
  ): Promise<AuditRecord> {
    handler = handle;
    const next = audited.record(audited.records.length + 1);
    await send(`${server.url}/x`, { method: 'POST', headers });
    return await next;
  }

  it('is claimed when the keys take too long, and waited for while they are on their way', async () => {
    const release = keys.hold();
    const late = await recordOf(bearer('too-late'));
    assert.deepEqual([late.actor.id, late.actor.verified, late.metadata], ['too-late', false, { unverified: { actor: 'timeout' } }]);
    assert.ok(Date.parse(late.observedTime) - Date.parse(late.time) >= 490);
    assert.ok(Number(late.durationMs) < 490, 'the wait is no part of the duration');

    const interrupted = recordOf(bearer('interrupted'));
    await until('the request has closed', () => audited.pipeline.health().capture.pending === 1);
    audited.pipeline.interruptOpen();
    assert.equal(audited.records.length, 2, 'the end of the process waits for nobody');
    assert.deepEqual((await interrupted).metadata, { unverified: { actor: 'timeout' } });

    const pending = recordOf(bearer('waited-for'));
    await until('the request has closed', () => audited.pipeline.health().capture.pending === 1);
    assert.equal(audited.records.length, 2);
    assert.equal(imbalanceOf(audited.pipeline.health().capture), 0);
    const flushed = audited.pipeline.flush(1000);
    release();
    const record = await pending;
    assert.deepEqual([record.actor.id, record.actor.verified, record.tenant?.id], ['waited-for', true, 't-waited-for']);
    assert.equal(record.metadata, undefined);
    await flushed;
    await tick();
    assert.equal(audited.records.length, 3);
    assert.equal(imbalanceOf(audited.pipeline.health().capture), 0);
  });

  it('is known at the close for a token seen before', async () => {
    const headers = bearer('again');
    await recordOf(headers);
    const known = audited.records.length;
    let knownAtClose = -1;
    const record = await recordOf(headers, (_request, response) => {
      response.on('close', () => {
        knownAtClose = audited.records.length;
      });
      response.end('ok');
    });
    assert.equal(record.actor.verified, true);
    assert.equal(knownAtClose, known + 1);
  });

  it('is claimed, with the reason, where the signature is not that of a key', async () => {
    const forged = { authorization: `Bearer ${hs256('no key', { sub: 'root', actor_type: 'admin' })}` };
    const record = await recordOf(forged);
    assert.deepEqual([record.actor.id, record.actor.type, record.actor.verified], ['root', 'admin', false]);
    assert.deepEqual(record.metadata, { unverified: { actor: 'algorithm' } });
  });

  it('is claimed where the service answers 401, whatever the signature', async () => {
    const record = await recordOf(bearer('refused'), (_request, response) => response.writeHead(401).end());
    assert.deepEqual([record.actor.id, record.actor.verified], ['refused', false]);
  });

  it('is whom the service names, before any token', async () => {
    const user = (request: http.IncomingMessage): void =>
      void Object.assign(request, { user: { id: 'framework-user', tenantId: 'own' }, tenant: 'acted-in' });
    const record = await recordOf(bearer('token-user'), (request, response) => {
      user(request);
      response.end();
    });
    assert.deepEqual([record.actor.id, record.actor.source, record.actor.verified], ['framework-user', 'framework', true]);
    assert.deepEqual([record.actor.tenantId, record.tenant?.id], ['own', 'acted-in']);
  });

  it('is whom the request named, though the service puts other credentials in its place', async () => {
    const record = await recordOf(bearer('original'), (request, response) => {
      request.headers['authorization'] = bearer('upstream')['authorization'];
      request.headers['x-tenant'] = 'upstream';
      response.end();
    });
    assert.equal(record.actor.id, 'original');
    assert.equal(record.tenant?.id, 't-original');
    const named = await recordOf({ 'x-tenant': 'original' }, (request, response) => {
      request.headers['x-tenant'] = 'upstream';
      response.end();
    });
    assert.equal(named.tenant?.id, 'original');
  });

  it('is whom the service sees, where a request has two credentials', async () => {
    let seen: string | undefined;
    handler = (request, response) => {
      seen = request.headers.authorization;
      response.end();
    };
    const next = audited.record(audited.records.length + 1);
    const socket = net.connect(server.port, '127.0.0.1');
    const [first, second] = ['first', 'second'].map((sub) => `authorization: Bearer ${hs256('no key', { sub })}\r\n`);
    socket.end(`POST /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${first}${second}\r\n`);
    const { actor } = await next;
    socket.destroy();
    assert.deepEqual([`authorization: ${seen}\r\n`, actor.id, actor.verified], [first, 'first', false]);
  });

  it('is left out by a rule for machines only if it is known to be one', async () => {
    handler = (request, response) => {
      if (request.headers['x-known'] === 'yes') Object.assign(request, { user: { id: 'job', actor_type: 'service' } });
      response.end();
    };
    const excluded = () => audited.pipeline.health().capture.excluded['machines'] ?? 0;
    await send(`${server.url}/machines`, { method: 'POST', headers: { 'x-known': 'yes' } });
    await until('it is left out', () => excluded() === 1);
    for (const headers of [{ 'x-api-key': 'made up' }, { authorization: `Bearer ${hs256('none', { sub: 'x', actor_type: 'service' })}` }]) {
      const next = audited.record(audited.records.length + 1);
      await send(`${server.url}/machines`, { method: 'POST', headers });
      assert.deepEqual([(await next).actor.type, excluded()], ['service', 1]);
    }
  });

  it('marks a tenant that only a header of the client names', async () => {
    const record = await recordOf({ 'x-tenant': 'acme' });
    assert.equal(record.tenant?.id, 'acme');
    assert.deepEqual(record.metadata, { unverified: { tenant: 'header' } });
  });

  it('has an answer in every record, whatever the headers hold', async () => {
    const hostile = [
      'Bearer',
      'Bearer a.b.c',
      'Basic ====',
      'Bearer e30.e30.',
      `Bearer ${'A'.repeat(9000)}.B.C`,
      '\u00ff\u00fe',
      'Bearer ..',
    ];
    for (const authorization of hostile) {
      const record = await recordOf({
        authorization,
        'x-ms-client-principal': 'e30',
        'x-forwarded-for': authorization.slice(0, 90),
      });
      assert.equal(record.actor.verified, false, authorization);
      assert.equal(record.client?.address, '127.0.0.1');
    }
  });

  it('is never more trusted than its source, in a record that exists, whatever bytes the headers are', async () => {
    const bytes = fc.uint8Array({ maxLength: 60 }).map((value) =>
      Buffer.from(value)
        .toString('latin1')
        .replace(/[\0-\x08\x0a-\x1f\x7f]/g, '.'),
    );
    const token = fc
      .tuple(fc.oneof(fc.json(), bytes), fc.oneof(fc.json(), fc.constant('{"sub":"root","actor_type":"admin"}'), bytes), bytes)
      .map((parts) => `Bearer ${parts.map((part) => Buffer.from(part, 'latin1').toString('base64url')).join('.')}`);
    const basic = bytes.map((value) => `Basic ${Buffer.from(value, 'latin1').toString('base64')}`);
    const address = fc.oneof(fc.ipV4(), fc.ipV6(), bytes);
    const chain = fc.array(address, { maxLength: 4 }).map((list) => list.join(', '));
    const headers = fc.record(
      {
        authorization: fc.oneof(token, basic, bytes),
        'x-forwarded-for': chain,
        forwarded: chain.map((list) => `for="${list}"`),
        'x-api-key': bytes,
        'x-ms-client-principal': fc.json().map((text) => Buffer.from(text).toString('base64')),
        'x-ms-client-principal-id': bytes,
        'x-azure-socketip': address,
        'x-request-id': bytes,
        'x-tenant': bytes,
        cookie: bytes,
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(headers, fc.constantFrom(200, 401, 403, 500), async (given, status) => {
        handler = (_request, response) => response.writeHead(status).end();
        const next = audited.record(audited.records.length + 1);
        const socket = net.connect(server.port, '127.0.0.1');
        const lines = Object.entries(given).map(([name, value]) => `${name}: ${value}\r\n`);
        socket.end(`POST /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${lines.join('')}\r\n`, 'latin1');
        const [answer] = (await once(socket, 'data')) as [Buffer];
        socket.destroy();
        assert.match(answer.toString('latin1'), new RegExp(`^HTTP/1.1 ${status} `), 'the service has answered, not the parser');
        const { actor, client, tenant, metadata, response } = await next;
        assert.deepEqual([actor.verified, client?.address, response?.status], [false, '127.0.0.1', status]);
        assert.ok(['jwt', 'basic', 'api-key', undefined].includes(actor.source), actor.source);
        if (actor.source !== 'jwt' && tenant !== undefined) assert.deepEqual(metadata, { unverified: { tenant: 'header' } });
      }),
      { numRuns: 300 },
    );
    assert.equal(imbalanceOf(audited.pipeline.health().capture), 0);
  });

  it(`never bleeds between ${REQUESTS} requests at once, over awaits, timers, pools and streams`, async () => {
    const pool = createPool(3);
    handler = async (request, response) => {
      const name = String(request.headers['x-name']);
      const kind = Number(name.slice(1)) % 5;
      if (kind === 0) await delay(Number(name.slice(1)) % 17);
      if (kind === 1) for await (const _ of request);
      if (kind === 2) await new Promise((resolve) => process.nextTick(() => setImmediate(resolve)));
      if (kind === 4) await pool(() => delay(0));
      if (kind !== 3) {
        await Promise.resolve();
        setActor(`user-${name}`);
        setTenant(`tenant-${name}`);
      }
      request.pipe(response.writeHead(200, { 'x-name': name }));
    };
    const first = audited.records.length;
    const last = audited.record(first + REQUESTS);
    const names = Array.from({ length: REQUESTS }, (_, index) => `n${index}`);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 100 });
    const headersOf = (name: string): Record<string, string> =>
      Number(name.slice(1)) % 5 === 3
        ? { authorization: `Bearer ${hs256('none', { sub: `user-${name}`, tenant_id: `tenant-${name}` })}` }
        : {};
    await Promise.all(
      names.map((name) => send(`${server.url}/${name}`, { agent, method: 'POST', headers: { 'x-name': name, ...headersOf(name) } }, name)),
    );
    agent.destroy();
    await last;
    const records = audited.records.slice(first);
    for (const record of records) {
      const name = record.request?.path?.slice(1);
      assert.deepEqual(
        [record.actor.id, record.tenant?.id, record.request?.body, record.actor.verified],
        [`user-${name}`, `tenant-${name}`, name, record.actor.source === 'api'],
      );
    }
    assert.equal(new Set(records.map(({ actor }) => actor.id)).size, REQUESTS);
    assert.equal(imbalanceOf(audited.pipeline.health().capture), 0);
  });
});

/** A few connections for many: whoever waits is woken by whoever is done. */
function createPool(size: number): (work: () => Promise<unknown>) => Promise<void> {
  const waiting: (() => void)[] = [];
  let free = size;
  return async (work) => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free -= 1;
    await work();
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
}
