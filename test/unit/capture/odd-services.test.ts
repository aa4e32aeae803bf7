import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';

/** Made before the preload's hooks: all it has of them comes from its prototype. */
const early = http.createServer();

import { auditThisProcess, listen, send } from '../../support/audited-server.js';
import { until } from '../../support/waiting.js';

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void;

describe('a service that does odd things', () => {
  const audited = auditThisProcess();
  let handler: Handler = () => {};
  let server: Awaited<ReturnType<typeof listen>>;
  before(async () => {
    server = await listen(early.on('request', (request, response) => handler(request, response)));
  });
  after(() => server.close());

  /** The records of one request that `handler` answers. */
  async function recordsOf(next: Handler, options: http.RequestOptions = {}, body?: string) {
    handler = next;
    const first = audited.records.length;
    const answer = await send(server.url, { method: 'POST', ...options }, body);
    await until('no request is open', () => audited.pipeline.health().capture.open === 0);
    return { answer, records: audited.records.slice(first) };
  }

  it('hands its requests to another server, and has one record of each', async () => {
    let calls = 0;
    const back = http.createServer((_request, response) => {
      calls += 1;
      response.end('from the back');
    });
    const { records } = await recordsOf((request, response) => void back.emit('request', request, response));
    assert.deepEqual([calls, records.length, records[0]?.response?.bodySize], [1, 1, 13]);
  });

  it('hands on proxies of request and response, and has one record with both bodies', async () => {
    const back = http.createServer((request, response) => request.resume().on('end', () => response.end('{"a":1}')));
    const { answer, records } = await recordsOf(
      (request, response) => void back.emit('request', proxyOf(request), proxyOf(response)),
      {},
      'twelve bytes',
    );
    assert.equal(answer.body, '{"a":1}');
    assert.deepEqual([records.length, records[0]?.request?.bodySize, records[0]?.response?.body], [1, 12, '{"a":1}']);
  });

  it('takes away all listeners of close, and has its record with the next request', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const first = audited.records.length;
    handler = (_request, response) => {
      response.removeAllListeners('close');
      response.end('1');
    };
    await send(server.url, { agent });
    handler = (_request, response) => response.end('22');
    await send(server.url, { agent });
    await until('both are recorded', () => audited.records.length === first + 2);
    agent.destroy();
    const sizes = audited.records.slice(first).map(({ response }) => response?.bodySize);
    assert.deepEqual(sizes, [1, 2]);
  });

  it('takes away all listeners of an HTTP/2 response, and has its record', async () => {
    const front = http2.createServer((_request, response) => {
      response.removeAllListeners('close');
      response.end('1');
    });
    const listening = await new Promise<number>((resolve) => {
      front.listen(0, '127.0.0.1', () => resolve((front.address() as net.AddressInfo).port));
    });
    const first = audited.records.length;
    const session = http2.connect(`http://127.0.0.1:${listening}`);
    await once(session.request({ ':path': '/h2' }).resume(), 'close');
    await until('it is recorded', () => audited.records.length === first + 1);
    session.destroy();
    front.close();
    assert.equal(audited.records[first]?.response?.bodySize, 1);
  });

  it('says close twice, ends twice and ends again when it has finished', async () => {
    const { records } = await recordsOf((_request, response) => {
      response.on('error', () => {});
      response.on('finish', () => response.end('late'));
      response.once('close', () => response.emit('close'));
      response.end('once').end('twice');
    });
    assert.deepEqual([records.length, records[0]?.response?.body], [1, 'once']);
  });

  it('freezes request and response', async () => {
    const { answer, records } = await recordsOf((request, response) => {
      Object.freeze(request.headers);
      response.setHeader('content-type', 'text/plain');
      response.end(Object.isFrozen(request.headers) ? 'frozen' : 'not');
    });
    assert.deepEqual([answer.body, records[0]?.response?.body], ['frozen', 'frozen']);
  });

  it('writes its head twice: what was sent counts', async () => {
    const { records } = await recordsOf((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      assert.throws(() => response.writeHead(500, { 'content-type': 'text/event-stream' }), { code: 'ERR_HTTP_HEADERS_SENT' });
      response.end('{"a":1}');
    });
    assert.deepEqual([records[0]?.response?.contentType, records[0]?.response?.body], ['application/json', '{"a":1}']);
  });

  it('has classes of its own for request and response', async () => {
    class OwnRequest extends http.IncomingMessage {}
    class OwnResponse extends http.ServerResponse<OwnRequest> {}
    const own = await listen(
      http.createServer({ IncomingMessage: OwnRequest, ServerResponse: OwnResponse }, (_request, response) => response.end('own')),
    );
    const next = audited.record(audited.records.length + 1);
    await send(own.url, { method: 'POST' });
    assert.equal((await next).response?.body, 'own');
    await own.close();
  });

  it('takes an upgrade or CONNECT for itself, of which nothing is recorded or changed', async () => {
    const upgrading = http.createServer();
    const onSocket = (_request: unknown, socket: net.Socket): void => void socket.end('HTTP/1.1 101 Own\r\n\r\nraw');
    const own = await listen(upgrading.on('upgrade', onSocket).on('connect', onSocket));
    const before = { records: audited.records.length, seen: audited.pipeline.health().capture.seen };
    for (const head of [
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: ws\r\n\r\n',
      'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n',
    ])
      assert.equal(await rawAnswer(own.port, head), 'HTTP/1.1 101 Own\r\n\r\nraw');
    assert.deepEqual({ records: audited.records.length, seen: audited.pipeline.health().capture.seen }, before);
    await own.close();
  });

  it('is sent a body that the parser refuses half way: one request, not two', async () => {
    handler = (request, response) => void request.resume().on('end', () => response.end());
    const { records } = audited;
    const first = records.length;
    const { seen } = audited.pipeline.health().capture;
    await rawAnswer(server.port, 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n');
    await until('it is recorded', () => records.length > first);
    assert.deepEqual([audited.pipeline.health().capture.seen - seen, records[first]?.outcome], [1, 'aborted']);
  });

  it('is asked in absolute form: the path finds its rule and is recorded without a password, but nothing is excluded by it', async () => {
    handler = (_request, response) => response.end();
    const rule = { name: 'orders', match: { path: ['/orders/*'] }, level: 'full', action: 'order.read' } as const;
    audited.pipeline.setPolicy({ rules: [rule], excludePaths: [], delivery: 'async' });
    const next = audited.record(audited.records.length + 1);
    await rawAnswer(server.port, 'GET http://ada:hunter2@a.example/orders/1?x=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const record = await next;
    assert.ok(!JSON.stringify(record).includes('hunter2'));
    assert.deepEqual([record.request?.path, record.request?.query, record.action], ['/orders/1', 'x=1', 'order.read']);
    const probe = audited.record(audited.records.length + 1);
    await rawAnswer(server.port, 'GET http://a.example/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    assert.equal((await probe).request?.path, '/health');
  });

  it('says hints, processing and continue before its answer, which alone has the request id', async () => {
    handler = (_request, response) => {
      response.writeProcessing();
      response.writeEarlyHints({ link: '</a.css>; rel=preload' });
      response.flushHeaders();
      response.end('done');
    };
    const next = audited.record(audited.records.length + 1);
    const text = await rawAnswer(server.port, 'GET /hints HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    assert.match(text, /^HTTP\/1.1 102 Processing\r\n\r\nHTTP\/1.1 103 Early Hints\r\nLink: [^\r]*\r\n\r\nHTTP\/1.1 200 OK\r\n/);
    assert.equal(text.match(/x-request-id/gi)?.length, 1);
    assert.equal((await next).response?.status, 200);
  });
});

/** Its methods see what it stands for as `this`: Node writes nothing of another. */
function proxyOf<Target extends object>(message: Target): Target {
  return new Proxy(message, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

async function rawAnswer(port: number, bytes: string): Promise<string> {
  const socket = net.connect(port, '127.0.0.1').on('error', () => {});
  socket.write(bytes);
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk;
  });
  await new Promise((resolve) => socket.on('close', resolve));
  return text;
}
