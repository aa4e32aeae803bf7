import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { imbalanceOf } from '../../../src/health.js';
import { auditThisProcess } from '../../support/audited-server.js';
import { ROOT } from '../../support/service.js';

const audited = auditThisProcess();
const tls = {
  key: readFileSync(path.join(ROOT, 'test/fixtures/tls/key.pem')),
  cert: readFileSync(path.join(ROOT, 'test/fixtures/tls/cert.pem')),
};

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

interface StreamAnswer {
  readonly headers: http2.IncomingHttpHeaders;
  readonly body: string;
}

async function ask(session: http2.ClientHttp2Session, headers: http2.OutgoingHttpHeaders, body?: string): Promise<StreamAnswer> {
  const stream = session.request(headers);
  stream.setEncoding('utf8').end(body);
  const [answered] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
  let text = '';
  for await (const chunk of stream) text += chunk as string;
  return { headers: answered, body: text };
}

const handlers: Record<string, (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => void> = {
  '/echo': (request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    request.on('end', () => response.writeHead(201, { 'content-type': 'text/plain' }).end(text));
  },
  '/pieces': (_request, response) => {
    response.write('one ');
    response.end('two');
  },
  '/empty': (_request, response) => response.end(),
  '/own': (_request, response) => {
    response.setHeader('x-request-id', 'mine');
    response.end('x');
  },
  '/hang': (_request, response) => void response.write('part'),
};
const handle = (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse): void => handlers[request.url]?.(request, response);

describe('HTTP/2', () => {
  after(() => assert.deepEqual(audited.warnings, []));

  it('over cleartext is recorded like HTTP/1, bodies counted once', async () => {
    const server = http2.createServer(handle);
    const session = http2.connect(`http://127.0.0.1:${await listening(server)}`);
    const first = audited.records.length;
    const echo = await ask(session, { ':path': '/echo', ':method': 'POST', 'content-type': 'text/plain', 'x-request-id': 'r-2' }, 'hello');
    const pieces = await ask(session, { ':path': '/pieces', ':method': 'POST' });
    const empty = await ask(session, { ':path': '/empty' });
    const own = await ask(session, { ':path': '/own' });
    await audited.record(first + 4);
    const [one, two, three] = audited.records.slice(first);
    assert.deepEqual([echo.body, echo.headers['x-request-id']], ['hello', 'r-2']);
    assert.deepEqual(
      [one?.request?.method, one?.request?.path, one?.request?.body, one?.response?.body],
      ['POST', '/echo', 'hello', 'hello'],
    );
    assert.deepEqual(
      [one?.response?.status, one?.outcome, one?.client?.address, one?.response?.contentType],
      [201, 'success', '127.0.0.1', 'text/plain'],
    );
    assert.deepEqual([pieces.body, two?.response?.bodySize, two?.response?.body], ['one two', 7, 'one two']);
    assert.deepEqual([three?.outcome, empty.headers['x-request-id']], ['success', three?.id]);
    assert.equal(own.headers['x-request-id'], 'mine');
    session.close();
    server.close();
  });

  it('that the client resets is recorded as aborted', async () => {
    const server = http2.createServer(handle);
    const session = http2.connect(`http://127.0.0.1:${await listening(server)}`);
    const next = audited.record(audited.records.length + 1);
    const stream = session.request({ ':path': '/hang' });
    stream.on('error', () => {});
    await once(stream, 'data');
    stream.close(http2.constants.NGHTTP2_CANCEL);
    assert.equal((await next).outcome, 'aborted');
    session.close();
    server.close();
  });

  it('over TLS shares its server with HTTP/1', async () => {
    const server = http2.createSecureServer({ ...tls, allowHTTP1: true }, handle);
    const port = await listening(server);
    const first = audited.records.length;
    const session = http2.connect(`https://localhost:${port}`, { ca: tls.cert });
    await ask(session, { ':path': '/echo', ':method': 'POST' }, 'two');
    const one = https.request(`https://localhost:${port}/echo`, { method: 'POST', ca: tls.cert, agent: false });
    one.end('one');
    const [answer] = (await once(one, 'response')) as [NodeJS.ReadableStream];
    answer.resume();
    await audited.record(first + 2);
    assert.deepEqual(
      audited.records.slice(first).map((record) => record.request?.body),
      ['two', 'one'],
    );
    session.close();
    server.close();
  });

  it('leaves https as it was, and recorded', async () => {
    const server = https.createServer(tls, (_request, response) => response.end('ok'));
    const port = await listening(server);
    const next = audited.record(audited.records.length + 1);
    const request = https.get(`https://localhost:${port}/x`, { ca: tls.cert, agent: false });
    const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
    response.resume();
    assert.equal((await next).request?.path, '/x');
    server.close();
  });

  it('accounts for every request', () => {
    assert.equal(imbalanceOf(audited.pipeline.health().capture), 0);
  });
});
