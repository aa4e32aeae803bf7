/** A handler that runs only once the trail says that its request began. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { imbalanceOf } from '../../../src/health.js';
import { auditThisProcess, listen, send } from '../../support/audited-server.js';
import { createHeldSink } from '../../support/held-sink.js';
import { until } from '../../support/waiting.js';

const sink = createHeldSink();
const { pipeline, warnings } = auditThisProcess(
  {
    FILE_DIR: '/nonexistent',
    EXPORTER: ['file'],
    policy: [
      { level: 'full', match: { path: '/pay' }, delivery: 'strict', sample: 0 },
      { level: 'full', match: { path: '/start' }, start: true },
      { level: 'full', match: { path: '/confirmed' }, delivery: 'confirmed' },
    ],
  },
  { createSink: sink.createSink },
);

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
let handler: Handler = (_, response) => response.end();
let calls = 0;
const server = http.createServer((request, response) => {
  calls += 1;
  handler(request, response);
});
let address: Awaited<ReturnType<typeof listen>>;

describe('strict delivery', () => {
  before(async () => {
    address = await listen(server);
  });
  after(async () => {
    sink.always(true);
    await address.close();
  });
  beforeEach(() => {
    sink.records.length = 0;
    calls = 0;
    sink.always(undefined);
  });
  afterEach(() => {
    assert.deepEqual(warnings, []);
    assert.equal(imbalanceOf(pipeline.health().capture), 0);
  });

  it('calls the handler only after the start record is durable, and records how it ended, whatever the sampling', async () => {
    handler = (request, response) => request.resume().on('end', () => response.end('paid'));
    const answer = send(`${address.url}/pay?token=hunter2`, { method: 'POST' }, 'secret=1');
    await sink.waiters(1);
    assert.equal(calls, 0);
    const [start] = sink.records;
    assert.deepEqual([start?.kind, start?.phase, start?.outcome, start?.action], ['http', 'start', 'unknown', 'pay.created']);
    assert.deepEqual([start?.response, start?.request?.body, start?.durationMs], [undefined, undefined, undefined]);
    assert.doesNotMatch(JSON.stringify(start), /hunter2/);
    sink.settle(true);
    await sink.waiters(1);
    assert.equal(calls, 1);
    sink.settle(true);
    assert.equal((await answer).body, 'paid');
    const end = sink.records[1];
    assert.deepEqual([end?.phase, end?.id, end?.outcome], [undefined, start?.refersTo, 'success']);
    assert.notEqual(start?.id, start?.refersTo);
    assert.equal(sink.records.length, 2);
  });

  it('answers 503 and does not call the handler if it cannot be', async () => {
    const before = pipeline.health().capture.refused;
    const answer = send(`${address.url}/pay`, { method: 'POST' }, 'x'.repeat(100_000));
    await sink.waiters(1);
    sink.settle(false);
    const { status, headers } = await answer;
    assert.deepEqual([status, headers['retry-after'], calls], [503, '1', 0]);
    await until('it is recorded', () => sink.records.length === 2);
    const end = sink.records[1];
    assert.deepEqual([end?.id, end?.outcome, end?.error?.type], [sink.records[0]?.refersTo, 'failure', 'audit_unavailable']);
    assert.equal(pipeline.health().capture.refused, before + 1);
  });

  it('gives the handler the whole request and its context', async () => {
    handler = async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      response.end(`${Buffer.concat(chunks).length} ${pipeline.current()?.rawUrl}`);
    };
    const answer = send(`${address.url}/pay`, { method: 'POST' }, 'x'.repeat(300_000));
    await sink.waiters(1);
    sink.always(true);
    assert.equal((await answer).body, '300000 /pay');
  });

  it('calls the handler of a client that closed its side meanwhile, and answers it', async () => {
    handler = (_, response) => response.end('paid');
    const socket = net.connect({ port: address.port, host: '127.0.0.1', allowHalfOpen: true });
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.end('POST /pay HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
    await sink.waiters(1);
    await send(`${address.url}/other`);
    sink.always(true);
    await once(socket, 'end');
    assert.match(text, /paid/);
    socket.destroy();
  });

  it('tells a handler of a client that left meanwhile', async () => {
    const closed = new Promise<string>((resolve) => {
      handler = (_, response) => response.on('close', () => resolve('closed'));
    });
    const socket = net.connect(address.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('POST /pay HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
    await sink.waiters(1);
    socket.resetAndDestroy();
    handlerOther();
    await send(`${address.url}/other`);
    sink.always(true);
    assert.equal(await closed, 'closed');
    await until('it is recorded', () => sink.records.some(({ outcome }) => outcome === 'aborted'));

    function handlerOther(): void {
      const strict = handler;
      handler = (request, response) => (request.url === '/other' ? void response.end() : strict(request, response));
    }
  });

  it('leaves a handler that throws an uncaught exception of the service', async () => {
    handler = () => {
      throw new Error('of the service');
    };
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const uncaught = once(process, 'uncaughtException');
    const request = http.get(`${address.url}/pay`).on('error', () => {});
    await sink.waiters(1);
    sink.settle(true);
    const [error] = (await uncaught) as [Error];
    for (const listener of listeners) process.on('uncaughtException', listener);
    assert.equal(error.message, 'of the service');
    request.destroy();
    await until('it is recorded', () => sink.records.some(({ error }) => error?.message === 'of the service'));
  });

  it('start: true records the start without waiting for it', async () => {
    handler = (_, response) => response.end('ok');
    assert.equal((await send(`${address.url}/start`)).body, 'ok');
    await until('both are there', () => sink.records.length === 2);
    assert.deepEqual(
      sink.records.map(({ phase }) => phase),
      ['start', undefined],
    );
    assert.equal(sink.records[0]?.refersTo, sink.records[1]?.id);
  });
});

describe('over HTTP/2', () => {
  const h2 = http2.createServer((request, response) => handler(request as never, response as never));
  let session: http2.ClientHttp2Session;
  before(async () => {
    h2.listen(0, '127.0.0.1');
    await once(h2, 'listening');
    session = http2.connect(`http://127.0.0.1:${(h2.address() as AddressInfo).port}`);
  });
  after(async () => {
    sink.always(true);
    session.destroy();
    h2.close();
    await once(h2, 'close');
  });
  beforeEach(() => {
    sink.records.length = 0;
    sink.always(undefined);
  });

  function ask(headers: http2.OutgoingHttpHeaders, body?: string) {
    const stream = session.request(headers, { endStream: body === undefined });
    if (body !== undefined) stream.end(body);
    const seen = { status: 0, text: '', ended: false };
    stream.on('response', (answer) => {
      seen.status = answer[':status'] ?? 0;
    });
    stream.on('data', (chunk) => {
      seen.text += chunk;
    });
    stream.on('end', () => {
      seen.ended = true;
    });
    stream.on('error', () => {});
    return { stream, seen };
  }
  const ping = (): Promise<void> => new Promise((resolve) => session.ping(() => resolve()));

  for (const [form, respond] of Object.entries<(response: ServerResponse) => void>({
    'one end': (response) => response.end('done'),
    'writeHead and end': (response) => response.writeHead(200, { 'x-a': '1' }).end('done'),
    'writes that wait for each other': (response) => void response.write('do', () => response.end('ne')),
  })) {
    it(`a confirmed response of ${form} waits`, async () => {
      handler = (_, response) => {
        respond(response);
      };
      const { stream, seen } = ask({ ':path': '/confirmed' });
      await sink.waiters(1);
      await ping();
      assert.deepEqual(seen, { status: 0, text: '', ended: false });
      sink.settle(true);
      await once(stream, 'close');
      assert.deepEqual(seen, { status: 200, text: 'done', ended: true });
      assert.equal(sink.records.length, 1);
    });
  }

  it('a long one leaves except its end', async () => {
    handler = (_, response) => {
      for (let part = 0; part < 4; part += 1) response.write('Z'.repeat(30_000));
      response.end();
    };
    const { stream, seen } = ask({ ':path': '/confirmed' });
    await sink.waiters(1);
    await until('all but the end is there', () => seen.text.length === 120_000 || stream.readableFlowing !== true);
    await ping();
    assert.equal(seen.ended, false);
    assert.equal(sink.records[0]?.metadata?.confirmation, 'partial');
    sink.settle(true);
    await once(stream, 'close');
    assert.deepEqual([seen.text.length, seen.ended], [120_000, true]);
  });

  it('HEAD and an empty answer wait too', async () => {
    handler = (_, response) => response.writeHead(204).end();
    const { stream, seen } = ask({ ':path': '/confirmed', ':method': 'HEAD' });
    stream.resume();
    await sink.waiters(1);
    await ping();
    assert.equal(seen.status, 0);
    sink.settle(true);
    await once(stream, 'close');
    assert.equal(seen.status, 204);
  });

  it('a reset while held is amended', async () => {
    handler = (_, response) => response.end('done');
    const { stream } = ask({ ':path': '/confirmed' });
    await sink.waiters(1);
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await until('the amendment is there', () => sink.records.length === 2);
    assert.deepEqual([sink.records[1]?.kind, sink.records[1]?.outcome], ['amendment', 'aborted']);
    sink.settle(true);
  });

  it('strict lets a handler whose client left meanwhile send what it may, to nobody', async () => {
    const outcome = new Promise<string>((resolve) => {
      handler = (_, response) => {
        try {
          response.writeEarlyHints({ link: '</style.css>; rel=preload' });
          response.writeHead(200).end('paid');
          resolve('answered');
        } catch (error) {
          resolve(String(error));
        }
      };
    });
    const arrived = once(h2, 'stream') as Promise<[http2.ServerHttp2Stream]>;
    ask({ ':path': '/pay', ':method': 'POST' });
    const [received] = await arrived;
    await sink.waiters(1);
    sink.always(true);
    // The handler is due in the next tick, which comes after all that is promised; the stream is gone by then and has not said so.
    for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
    received.destroy();
    assert.equal(await outcome, 'answered');
    await until('it is recorded', () => sink.records.some(({ outcome }) => outcome === 'aborted'));
  });

  it('strict calls the handler late and answers 503 if it cannot', async () => {
    let called = 0;
    handler = (request, response) => {
      called += 1;
      let size = 0;
      request.on('data', (chunk: Buffer) => {
        size += chunk.length;
      });
      request.on('end', () => response.end(`${size}`));
    };
    const { stream, seen } = ask({ ':path': '/pay', ':method': 'POST' }, 'hello');
    await sink.waiters(1);
    assert.equal(called, 0);
    sink.settle(true);
    await sink.waiters(1);
    sink.settle(true);
    await once(stream, 'close');
    assert.deepEqual([called, seen.text], [1, '5']);
    const refused = ask({ ':path': '/pay', ':method': 'POST' }, 'hello');
    await sink.waiters(1);
    sink.settle(false);
    await once(refused.stream, 'close');
    assert.deepEqual([called, refused.seen.status], [1, 503]);
  });
});
