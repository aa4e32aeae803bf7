import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import zlib from 'node:zlib';
import { imbalanceOf } from '../../../src/health.js';
import type { AuditRecord } from '../../../src/record.js';
import { auditThisProcess, listen, send } from '../../support/audited-server.js';

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => unknown;

const audited = auditThisProcess({ MAX_BODY_BYTES: 100 });
let handler: Handler;
let server: Awaited<ReturnType<typeof listen>>;

/** Sends, and answers the one record that came of it. */
async function recordOf(handle: Handler, act: () => Promise<unknown>): Promise<AuditRecord> {
  handler = handle;
  const next = audited.record(audited.records.length + 1);
  await act();
  return await next;
}

function echo(request: http.IncomingMessage, response: http.ServerResponse): void {
  request.pipe(response.writeHead(201, { 'content-type': 'text/plain' }));
}

describe('capture', () => {
  before(async () => {
    server = await listen(http.createServer((request, response) => handler(request, response)));
  });
  after(async () => {
    await server.close();
    assert.deepEqual(audited.warnings, []);
  });

  it('records method, path, query, status, bodies with true sizes, client and duration', async () => {
    const record = await recordOf(echo, () =>
      send(
        `${server.url}/api/orders?page=2`,
        { method: 'POST', headers: { 'user-agent': 'tester', 'content-type': 'text/plain', 'x-request-id': 'r-1' } },
        'hello',
      ),
    );
    assert.equal(record.kind, 'http');
    assert.equal(record.action, 'order.created');
    assert.equal(record.outcome, 'success');
    assert.deepEqual(
      { ...record.request, headers: undefined },
      {
        id: 'r-1',
        method: 'POST',
        path: '/api/orders',
        route: undefined,
        query: 'page=2',
        headers: undefined,
        contentType: 'text/plain',
        body: 'hello',
        bodyFormat: 'text',
        bodySize: 5,
        bodyTruncated: false,
      },
    );
    assert.equal(record.response?.status, 201);
    assert.equal(record.response?.contentType, 'text/plain');
    assert.equal(record.response?.body, 'hello');
    assert.equal(record.client?.address, '127.0.0.1');
    assert.equal(record.client?.userAgent, 'tester');
    assert.ok(Number(record.durationMs) >= 0);
    assert.match(record.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    assert.deepEqual(record.actor, {
      id: 'anonymous',
      type: 'anonymous',
      verified: false,
      email: undefined,
      name: undefined,
      roles: undefined,
      scopes: undefined,
      groups: undefined,
      tenantId: undefined,
      clientApp: undefined,
      source: undefined,
    });
  });

  it('keeps the beginning of a long body and counts all of it, both ways', async () => {
    const record = await recordOf(echo, () => send(`${server.url}/x`, { method: 'POST' }, 'a'.repeat(100_000)));
    assert.equal(record.request?.bodySize, 100_000);
    assert.equal(record.request?.bodyTruncated, true);
    assert.equal(record.request?.body?.length, 100);
    assert.equal(record.response?.bodySize, 100_000);
    assert.equal(record.response?.body?.length, 100);
  });

  it('counts strings in the encoding they are written in', async () => {
    const record = await recordOf(
      (_request, response) => {
        response.write('ä', 'latin1');
        response.write('68656c6c6f', 'hex');
        response.end('ä');
      },
      () => send(`${server.url}/x`, { method: 'POST' }),
    );
    assert.equal(record.response?.bodySize, 8);
  });

  it('records an aborted upload, and says so', async () => {
    const record = await recordOf(
      (request) => request.resume(),
      async () => {
        const request = http.request(`${server.url}/upload`, { method: 'POST', headers: { 'content-length': '1000' } });
        request.on('error', () => {});
        request.write('x'.repeat(10));
        await delay(20);
        request.destroy();
      },
    );
    assert.equal(record.outcome, 'aborted');
    assert.equal(record.response?.status, undefined);
    assert.equal(record.error?.type, 'connection_closed');
    assert.equal(record.request?.bodySize, 10);
    assert.equal(record.request?.bodyTruncated, true);
  });

  it('records a response that the client did not wait for as aborted, with the status that was sent', async () => {
    const record = await recordOf(
      (_request, response) => {
        response.writeHead(200).write('part');
      },
      async () => {
        const request = http.request(`${server.url}/slow`, { agent: false });
        request.on('error', () => {});
        request.end();
        const [response] = (await once(request, 'response')) as [http.IncomingMessage];
        response.destroy();
      },
    );
    assert.equal(record.outcome, 'aborted');
    assert.equal(record.response?.status, 200);
  });

  it('records nothing twice when the handler both ends and is cut', async () => {
    const before = audited.records.length;
    await recordOf(
      (_request, response) => {
        response.end('done');
        response.destroy();
      },
      () => send(`${server.url}/x`).catch(() => {}),
    );
    await delay(20);
    assert.equal(audited.records.length, before + 1);
  });

  it('records pipelined requests one by one', async () => {
    const before = audited.records.length;
    handler = (_request, response) => response.end('ok');
    const last = audited.record(before + 3);
    const socket = net.connect(server.port, '127.0.0.1');
    socket.write(['/a', '/b', '/c'].map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''));
    await last;
    socket.destroy();
    assert.deepEqual(
      audited.records.slice(before).map((record) => record.request?.path),
      ['/a', '/b', '/c'],
    );
  });

  it('records a pipelined request whose turn never came, once the connection is gone', async () => {
    const before = audited.records.length;
    const answers: http.ServerResponse[] = [];
    const both = new Promise<void>((resolve) => {
      handler = (_request, response) => {
        answers.push(response);
        if (answers.length === 2) resolve();
      };
    });
    const last = audited.record(before + 2);
    const socket = net.connect(server.port, '127.0.0.1');
    socket.write('GET /first HTTP/1.1\r\nHost: x\r\n\r\nGET /second HTTP/1.1\r\nHost: x\r\n\r\n');
    await both;
    socket.destroy();
    await last;
    assert.deepEqual(
      audited.records.slice(before).map((record) => [record.request?.path, record.outcome]),
      [
        ['/first', 'aborted'],
        ['/second', 'aborted'],
      ],
    );
  });

  it('counts what the parser refuses', async () => {
    const { excluded } = audited.pipeline.health().capture;
    const socket = net.connect(server.port, '127.0.0.1');
    socket.end('NOT HTTP\r\n\r\n');
    const [answer] = (await once(socket.setEncoding('utf8'), 'data')) as [string];
    assert.match(answer, /^HTTP\/1.1 400/);
    assert.equal(audited.pipeline.health().capture.excluded['refused-by-parser'], (excluded['refused-by-parser'] ?? 0) + 1);
  });

  it('decodes compressed bodies, both ways, and counts what went over the wire', async () => {
    const packed = zlib.gzipSync('{"a":1}');
    const record = await recordOf(
      (request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
        request.pipe(response);
      },
      () =>
        send(`${server.url}/x`, { method: 'POST', headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } }, packed),
    );
    assert.deepEqual([record.request?.body, record.request?.bodySize, record.request?.bodyTruncated], ['{"a":1}', packed.length, false]);
    assert.deepEqual([record.response?.body, record.response?.bodySize], ['{"a":1}', packed.length]);
  });

  it('records an event stream by its size, when it closes', async () => {
    const record = await recordOf(
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: 1\n\n');
        response.end('data: 2\n\n');
      },
      () => send(`${server.url}/events`, { method: 'POST' }),
    );
    assert.deepEqual([record.response?.bodyOmitted, record.response?.bodySize, record.response?.body], ['stream', 18, undefined]);
  });

  it('leaves alone whoever emits a request that is none', () => {
    const lonely = http.createServer();
    assert.equal(lonely.emit('request', {}, undefined), false);
    assert.equal(lonely.emit('request', undefined, undefined), false);
  });

  it('leaves the body of HEAD, 204 and 304 out', async () => {
    const head = await recordOf(
      (_request, response) => response.end('not sent'),
      () => send(`${server.url}/x`, { method: 'HEAD' }),
    );
    assert.deepEqual([head.response?.body, head.response?.bodySize], [undefined, 0]);
  });

  it('keeps the service out of the trail where it says so, and counts that', async () => {
    const { skipped } = audited.pipeline.health().capture;
    handler = (_request, response) => {
      const words = audited.pipeline.current()?.words;
      if (words) words.skip = true;
      response.end();
    };
    await send(`${server.url}/x`);
    await delay(10);
    assert.equal(audited.pipeline.health().capture.skipped, skipped + 1);
  });

  it('does not record probes, unless the path is dressed up', async () => {
    const { excluded } = audited.pipeline.health().capture;
    handler = (_request, response) => response.end();
    await send(`${server.url}/health`);
    const record = await recordOf(handler, () => send(`${server.url}/health/..%2fadmin`));
    assert.equal(record.request?.path, '/health/..%2fadmin');
    assert.equal(audited.pipeline.health().capture.excluded['default:probe'], (excluded['default:probe'] ?? 0) + 1);
  });

  it('records what is open when the process ends as unknown', async () => {
    handler = () => {
      audited.pipeline.interruptOpen();
    };
    const next = audited.record(audited.records.length + 1);
    const request = http.get(`${server.url}/open`);
    request.on('error', () => {});
    const record = await next;
    request.destroy();
    assert.equal(record.outcome, 'unknown');
    assert.equal(record.error?.type, 'process_exit');
  });

  it('accounts for every request', () => {
    const { capture } = audited.pipeline.health();
    assert.equal(imbalanceOf(capture), 0);
    assert.equal(capture.journalled, audited.records.length);
  });
});

describe('the request id', () => {
  const echoed: [string, Handler, (answer: Awaited<ReturnType<typeof send>>) => void][] = [
    ['with implicit headers', (_q, response) => response.end('x'), () => {}],
    ['with writeHead(status)', (_q, response) => response.writeHead(200).end(), () => {}],
    [
      'with an object',
      (_q, response) => response.writeHead(200, 'Fine', { 'X-Raw-Case': '1' }).end(),
      (answer) => assert.ok(answer.rawHeaders.includes('X-Raw-Case')),
    ],
    [
      'with a flat list and duplicate Set-Cookie',
      (_q, response) => response.writeHead(200, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']).end(),
      (answer) => assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2']),
    ],
    [
      'with headers set before and given',
      (_q, response) => {
        response.setHeader('X-Set', 'before');
        response.writeHead(200, { 'X-Given': 'now' }).end();
      },
      (answer) => assert.deepEqual([answer.headers['x-set'], answer.headers['x-given']], ['before', 'now']),
    ],
  ];
  for (const [name, handle, check] of echoed) {
    it(`is echoed ${name}`, async () => {
      handler = handle;
      server = await listen(http.createServer(handle));
      const answer = await send(`${server.url}/x`, { headers: { 'x-request-id': 'client-1' } });
      await server.close();
      assert.equal(answer.headers['x-request-id'], 'client-1');
      check(answer);
    });
  }

  it("is not echoed over the service's own, and an odd one of the client's is replaced", async () => {
    server = await listen(http.createServer((_q, response) => response.writeHead(200, { 'X-Request-Id': 'mine' }).end()));
    const own = await send(`${server.url}/x`, { headers: { 'x-request-id': 'client-1' } });
    await server.close();
    assert.equal(own.headers['x-request-id'], 'mine');
    server = await listen(http.createServer((_q, response) => response.end()));
    const next = audited.record(audited.records.length + 1);
    const odd = await send(`${server.url}/x`, { headers: { 'x-request-id': 'x'.repeat(4000) } });
    await server.close();
    const record = await next;
    assert.equal(odd.headers['x-request-id'], record.id);
  });
});
