/** A response that waits for its record: nothing of it leaves early, and the service notices nothing. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { imbalanceOf } from '../../../src/health.js';
import { auditThisProcess, connect, listen, send } from '../../support/audited-server.js';
import { createHeldSink } from '../../support/held-sink.js';
import { until } from '../../support/waiting.js';

const sink = createHeldSink();
const { pipeline, warnings } = auditThisProcess(
  {
    FILE_DIR: '/nonexistent',
    EXPORTER: ['file'],
    DELIVERY: 'confirmed',
    policy: [
      { level: 'full', match: { path: '/async' }, delivery: 'async' },
      { level: 'full', match: { path: '/none' }, sample: 0 },
      { level: 'full' },
    ],
  },
  { createSink: sink.createSink },
);

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
let handler: Handler = (_, response) => response.end();
const server = http.createServer((request, response) => handler(request, response));
let address: Awaited<ReturnType<typeof listen>>;

/** As long as it takes to bring over what was not held: a request of another connection there and back. */
async function roundTrip(): Promise<void> {
  await send(`${address.url}/async`);
}

describe('a confirmed response', () => {
  before(async () => {
    address = await listen(server);
  });
  after(async () => {
    sink.always(true);
    await address.close();
  });
  beforeEach(() => {
    sink.records.length = 0;
    sink.always(undefined);
  });
  afterEach(() => {
    assert.deepEqual(warnings, []);
    assert.equal(imbalanceOf(pipeline.health().capture), 0);
  });

  it('leaves, whole, only once its record is durable', async () => {
    handler = (_, response) => response.writeHead(201, { 'content-type': 'text/plain' }).end('done');
    const { socket, text } = await connect(address.port);
    socket.write('POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi');
    await sink.waiters(1);
    await roundTrip();
    assert.equal(text(), '');
    const record = sink.records.find(({ request }) => request?.path === '/orders');
    assert.deepEqual([record?.outcome, record?.response?.status, record?.response?.body], ['success', 201, 'done']);
    assert.equal(record?.metadata?.confirmation, undefined);
    sink.settle(true);
    await until('the response arrives', () => text().endsWith('done\r\n0\r\n\r\n') || text().endsWith('done'));
    socket.destroy();
    assert.equal(sink.records.filter(({ request }) => request?.path === '/orders').length, 1);
  });

  it('serves handlers that wait for callbacks, drain and flow before they end', async () => {
    const seen: string[] = [];
    handler = async (request, response) => {
      if (request.url === '/async') return void response.end();
      await new Promise<void>((resolve) => response.write('a'.repeat(30_000), () => resolve()));
      seen.push('written');
      if (!response.write('b'.repeat(30_000))) await once(response, 'drain');
      seen.push('drained');
      response.on('finish', () => seen.push('finish'));
      response.end(() => seen.push('ended'));
      seen.push(`${response.headersSent} ${response.writableEnded} ${response.writableFinished}`);
    };
    const answer = send(address.url);
    await sink.waiters(1);
    await roundTrip();
    assert.deepEqual(seen, ['written', 'drained', 'true true false']);
    sink.settle(true);
    assert.equal((await answer).body.length, 60_000);
    assert.deepEqual(seen.slice(3).sort(), ['ended', 'finish']);
    assert.equal(sink.records.at(-1)?.metadata?.confirmation, undefined);
  });

  it('keeps what a service writes into its memory afterwards out of the response', async () => {
    handler = (request, response) => {
      if (request.url === '/async') return void response.end();
      const buffer = Buffer.from('first');
      response.write(buffer, () => {
        buffer.fill('X');
        response.end(' second');
      });
    };
    const answer = send(address.url);
    await sink.waiters(1);
    sink.settle(true);
    assert.equal((await answer).body, 'first second');
  });

  for (const length of [undefined, 200_000]) {
    it(`that is longer than 64 KB ${length === undefined ? 'in chunks' : 'of known length'} leaves except its last chunk`, async () => {
      handler = async (request, response) => {
        if (request.url === '/async') return void response.end();
        if (length !== undefined) response.setHeader('content-length', length);
        // Node 26 keeps the chunks of one tick together, with the last.
        for (let part = 0; part < 4; part += 1) await new Promise((resolve) => response.write('Z'.repeat(50_000), resolve));
        response.end();
      };
      const { socket, text } = await connect(address.port);
      socket.write('GET /export HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      await sink.waiters(1);
      await until('all but the last has come', () => count(text(), 'Z') >= (length === undefined ? 200_000 : 150_000));
      await roundTrip();
      assert.equal(count(text(), 'Z'), length === undefined ? 200_000 : 150_000);
      assert.doesNotMatch(text(), /\r\n0\r\n\r\n$/);
      assert.equal(sink.records.find(({ request }) => request?.path === '/export')?.metadata?.confirmation, 'partial');
      sink.settle(true);
      await once(socket, 'end');
      assert.equal(count(text(), 'Z'), 200_000);
      if (length === undefined) assert.match(text(), /\r\n0\r\n\r\n$/);
    });
  }

  it('that is an event stream, or whose headers are flushed, is not kept from its reader', async () => {
    handler = (request, response) => {
      if (request.url === '/async') return void response.end();
      if (request.url === '/flushed') response.flushHeaders();
      else response.setHeader('content-type', 'text/event-stream').write('data: 1\n\n');
      request.socket.once('data', () => response.end('rest'));
    };
    for (const path of ['/events', '/flushed']) {
      const { socket, text } = await connect(address.port);
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      await until('it begins', () => text().includes(path === '/events' ? 'data: 1' : '\r\n\r\n'));
      // The reader answers by the same connection, as a protocol on top of the stream would.
      server.once('clientError', () => {});
      socket.destroy();
    }
    await until('both are recorded', () => sink.records.filter(({ outcome }) => outcome === 'aborted').length === 2);
    assert.deepEqual(
      sink.records.filter(({ outcome }) => outcome === 'aborted').map(({ metadata }) => metadata?.confirmation),
      ['partial', 'partial'],
    );
  });

  for (const [method, status] of [
    ['HEAD', 200],
    ['DELETE', 204],
    ['GET', 304],
  ] as const) {
    it(`without a body (${method} ${status}) waits as well`, async () => {
      handler = (request, response) => {
        response.statusCode = request.url === '/async' ? 200 : status;
        if (request.url !== '/async') response.flushHeaders();
        response.end();
      };
      const { socket, text } = await connect(address.port);
      socket.write(`${method} /orders/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      await sink.waiters(1);
      await roundTrip();
      assert.equal(text(), '');
      sink.settle(true);
      await once(socket, 'end');
      assert.match(text(), new RegExp(`^HTTP/1.1 ${status} `));
    });
  }

  it('does not keep 1xx answers from a client that waits for them', async () => {
    handler = (request, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      request.resume().on('end', () => response.end('ok'));
    };
    const { socket, text } = await connect(address.port);
    socket.write('POST /orders HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\n');
    await until('the hints come', () => text().includes('103 Early Hints'));
    assert.match(text(), /^HTTP\/1.1 100 Continue/);
    socket.write('hi');
    await sink.waiters(1);
    sink.settle(true);
    await once(socket, 'end');
    assert.match(text(), /ok$/);
  });

  it('is amended when its client leaves before it is sent', async () => {
    handler = (_, response) => response.end('done');
    const { socket } = await connect(address.port);
    socket.write('POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
    await sink.waiters(1);
    socket.resetAndDestroy();
    await until('the amendment is there', () => sink.records.some(({ kind }) => kind === 'amendment'));
    const [record, amendment] = sink.records;
    assert.deepEqual([record?.kind, record?.outcome], ['http', 'success']);
    assert.deepEqual([amendment?.refersTo, amendment?.outcome, amendment?.error?.type], [record?.id, 'aborted', 'connection_closed']);
    assert.equal(amendment?.request?.body, undefined);
    sink.settle(true);
  });

  it('leaves at the deadline all the same, and is counted', async () => {
    handler = (_, response) => response.end('done');
    const before = pipeline.health().capture.unconfirmed;
    const answer = send(address.url);
    await sink.waiters(1);
    sink.settle(false);
    assert.equal((await answer).body, 'done');
    assert.equal(pipeline.health().capture.unconfirmed, before + 1);
  });

  it('keeps its place among pipelined ones, whichever record is durable first', async () => {
    handler = (request, response) => response.end(`[${request.url}]`);
    const { socket, text } = await connect(address.port);
    socket.write(['/1', '/2', '/3'].map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''));
    await sink.waiters(3);
    assert.equal(text(), '');
    sink.settle(true);
    await until('all have come', () => text().includes('[/3]'));
    assert.deepEqual(text().match(/\[\/\d\]/g), ['[/1]', '[/2]', '[/3]']);
    socket.write('GET /4 HTTP/1.1\r\nHost: x\r\n\r\n');
    await sink.waiters(1);
    sink.settle(true);
    await until('the connection goes on', () => text().includes('[/4]'));
    socket.destroy();
  });

  for (const how of ['response.destroy', 'socket.destroy', 'socket.end', 'socket.destroySoon'] as const) {
    it(`is sent before a service ends the connection itself with ${how}`, async () => {
      handler = (request, response) => {
        if (request.url === '/async') return void response.end();
        response.writeHead(413, { connection: 'close' }).end('too large');
        if (how === 'response.destroy') response.destroy();
        else if (how === 'socket.destroy') request.socket.destroy();
        else if (how === 'socket.end') request.socket.end();
        else request.socket.destroySoon();
      };
      const { socket, text } = await connect(address.port);
      socket.write('GET /upload HTTP/1.1\r\nHost: x\r\n\r\n');
      await once(socket, 'close');
      assert.match(text(), /too large/);
      sink.settle(true);
    });
  }

  it('has its turn though the client has closed its side meanwhile', async () => {
    handler = (request, response) => response.end(`[${request.url}]`);
    const { socket, text } = await connect(address.port);
    socket.end(['/1', '/2', '/3'].map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''));
    await once(socket, 'close');
    assert.deepEqual(text().match(/\[\/\d\]/g), ['[/1]', '[/2]', '[/3]']);
    sink.settle(true);
  });

  it('sends its 1xx before its header when its turn comes', async () => {
    handler = (request, response) => {
      if (request.url === '/2') response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      response.writeHead(200, { 'content-length': 4 });
      response.write(Buffer.from(`[${request.url}]`));
      response.end();
    };
    const { socket, text } = await connect(address.port);
    socket.write(['/1', '/2'].map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''));
    await sink.waiters(2);
    sink.settle(true);
    await until('both have come', () => text().includes('[/2]'));
    assert.deepEqual(text().match(/HTTP\/1.1 \d+|\[\/\d\]/g), ['HTTP/1.1 200', '[/1]', 'HTTP/1.1 103', 'HTTP/1.1 200', '[/2]']);
    socket.destroy();
  });

  // From Node 24 on a response that is destroyed before its turn leaves the connection alone.
  const isEndOfConnection = Number(process.versions.node.split('.')[0]) < 24;
  it('that was given up before its turn came ends the connection where Node does, and sends nothing, not even its 1xx', async () => {
    const given: ServerResponse[] = [];
    handler = (request, response) => {
      if (request.url === '/async') return void response.end();
      given.push(response);
      if (request.url !== '/second') return;
      response.writeProcessing();
      response.destroy();
      given[0]?.end('first');
    };
    const { socket, text } = await connect(address.port);
    socket.write('GET /first HTTP/1.1\r\nHost: x\r\n\r\nGET /second HTTP/1.1\r\nHost: x\r\n\r\n');
    await sink.waiters(1);
    const closed = once(socket, 'close');
    sink.always(true);
    await until('the first has come', () => text().includes('first'));
    if (!isEndOfConnection) socket.destroy();
    await closed;
    if (isEndOfConnection) assert.doesNotMatch(text(), /102 Processing/);
  });

  it('is let go at once where the policy leaves it out or asks for no confirmation', async () => {
    handler = (_, response) => response.end('ok');
    assert.equal((await send(`${address.url}/none`)).body, 'ok');
    assert.equal((await send(`${address.url}/async`)).body, 'ok');
  });

  it('is what the error handling of the service makes it', async () => {
    handler = (_, response) => {
      response.setHeader('content-length', 2);
      try {
        response.writeHead(200, { 'x-bad': 'a\u0000b' });
      } catch {
        response.statusCode = 500;
        response.end('no');
      }
      assert.throws(() => response.setHeader('x-late', '1'), { code: 'ERR_HTTP_HEADERS_SENT' });
    };
    const answer = send(address.url);
    await sink.waiters(1);
    sink.settle(true);
    const { status, body } = await answer;
    assert.deepEqual([status, body], [500, 'no']);
    assert.equal(sink.records.at(-1)?.outcome, 'failure');
  });

  it('is recorded as unknown when the process ends before it does', async () => {
    handler = (_, response) => void response.write('begun');
    const { socket } = await connect(address.port);
    socket.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n');
    await until('it is open', () => pipeline.health().capture.open === 1);
    pipeline.interruptOpen();
    assert.equal(sink.records.at(-1)?.outcome, 'unknown');
    socket.destroy();
  });
});

function count(text: string, letter: string): number {
  return text.split(letter).length - 1;
}
