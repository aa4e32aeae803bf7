/** A response over HTTP/2 that waits for its record: what its service does to the stream meanwhile has the effect it would have had. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import http2, { type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { auditThisProcess } from '../../support/audited-server.js';
import { createHeldSink } from '../../support/held-sink.js';
import { until } from '../../support/waiting.js';

const sink = createHeldSink();
const { warnings } = auditThisProcess(
  { FILE_DIR: '/nonexistent', EXPORTER: ['file'], DELIVERY: 'confirmed' },
  { createSink: sink.createSink },
);

let handler: (request: Http2ServerRequest, response: Http2ServerResponse) => unknown;
const server = http2.createServer((request, response) => handler(request, response));
let session: http2.ClientHttp2Session;

interface Seen {
  status: number | undefined;
  text: string;
  error: string | undefined;
  readonly closed: Promise<void>;
}

function ask(body?: string): { stream: http2.ClientHttp2Stream; seen: Seen } {
  const stream = session.request({ ':method': 'POST' }, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  const closed = new Promise<void>((resolve) => stream.on('close', () => resolve()));
  const seen: Seen = { status: undefined, text: '', error: undefined, closed };
  stream.on('response', (answer) => {
    seen.status = answer[':status'];
  });
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    seen.text += chunk;
  });
  stream.on('error', (error: NodeJS.ErrnoException) => {
    seen.error = error.code;
  });
  return { stream, seen };
}

/** There and back, after all that was sent before. */
const ping = (): Promise<void> => new Promise((resolve) => session.ping(() => resolve()));

/** Shows nothing before its record is durable; then what came of it. */
async function held({ seen }: ReturnType<typeof ask>): Promise<Seen> {
  await sink.waiters(1);
  await ping();
  assert.equal(seen.status, undefined);
  sink.settle(true);
  await seen.closed;
  return seen;
}

describe('a held response over HTTP/2', { timeout: 20_000 }, () => {
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
  after(async () => {
    sink.always(true);
    session.destroy();
    server.close();
    await once(server, 'close');
  });
  beforeEach(() => {
    sink.records.length = 0;
    sink.always(undefined);
  });
  afterEach(() => assert.deepEqual(warnings, []));

  it('without a body is whole with its headers, and waits though they are flushed', async () => {
    handler = (_, response) => {
      response.writeHead(204);
      (response as unknown as ServerResponse).flushHeaders();
      response.end();
    };
    const seen = await held(ask());
    assert.deepEqual([seen.status, seen.error], [204, undefined]);
    assert.equal(sink.records[0]?.metadata?.confirmation, undefined);
  });

  it('waits though nobody reads the body of its request', async () => {
    handler = (_, response) => response.end('done');
    const seen = await held(ask('unread'));
    assert.deepEqual([seen.status, seen.text, seen.error], [200, 'done', undefined]);
  });

  it('waits though its service closes the stream after the end', async () => {
    handler = (request, response) => {
      request.resume();
      response.end('done');
      response.stream.close();
    };
    const seen = await held(ask());
    assert.deepEqual([seen.status, seen.text, seen.error], [200, 'done', undefined]);
  });

  it('throws at the handler what HTTP/2 does not allow', async () => {
    let thrown: unknown;
    handler = (_, response) => {
      try {
        response.writeHead(200, { 'content-type': ['text/plain', 'text/html'] as never });
      } catch (error) {
        thrown = error;
        response.removeHeader('content-type');
        response.writeHead(500).end('no');
      }
    };
    sink.always(true);
    const { seen } = ask();
    await seen.closed;
    assert.equal((thrown as NodeJS.ErrnoException).code, 'ERR_HTTP2_HEADER_SINGLE_VALUE');
    assert.deepEqual([seen.status, seen.text, seen.error], [500, 'no', undefined]);
  });

  it('is sent as far as it was written before its service breaks it off', async () => {
    handler = (_, response) => {
      response.on('error', () => {});
      response.end('done');
      response.write('late');
    };
    const { seen } = ask();
    await seen.closed;
    assert.deepEqual([seen.status, seen.error], [200, 'ERR_HTTP2_STREAM_ERROR']);
    sink.settle(true);
  });

  it('brings what is written in one go with a cork in its order', async () => {
    handler = (_, response) => {
      const { stream } = response;
      response.writeHead(200);
      stream.cork();
      const reused = Buffer.from('1');
      response.write(reused, () => reused.fill('X'));
      response.write('2');
      stream.uncork();
      response.end('3');
    };
    const { seen } = ask();
    await sink.waiters(1);
    sink.settle(true);
    await seen.closed;
    assert.deepEqual([seen.status, seen.text], [200, '123']);
  });

  it('that is a file is piped to its client, and called partial', async () => {
    handler = (request, response) => {
      request.resume();
      response.stream.respondWithFile(__filename);
    };
    const { seen } = ask();
    await seen.closed;
    assert.match(seen.text, /^"use strict"/);
    await until('it is recorded', () => sink.records.length === 1);
    assert.equal(sink.records[0]?.metadata?.confirmation, 'partial');
    sink.always(true);
  });

  it('that nobody ends is finished by Node when its client gives up', async () => {
    const finished = new Promise<boolean>((resolve) => {
      handler = (_, response) => {
        const { stream } = response;
        response.on('close', () => resolve(stream.writableFinished));
      };
    });
    const { stream } = ask();
    await ping();
    stream.close(http2.constants.NGHTTP2_CANCEL);
    assert.equal(await finished, true);
  });
});
