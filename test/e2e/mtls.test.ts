import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import tls from 'node:tls';
import { createServiceFolder, ROOT, type Service, type ServiceFolder } from '../support/service.js';
import { until } from '../support/waiting.js';

const pem = (name: string): string => readFileSync(path.join(ROOT, 'test/fixtures/tls', `${name}.pem`), 'utf8');
const KEY = pem('client-key');
/** What the client shows, and what the record must say of it. The server's own certificate is one that no authority of its clients has signed. */
const CLIENTS = {
  'a certificate of the authority': { show: { key: KEY, cert: pem('client') }, id: 'orders-worker', verified: true },
  "a workload's certificate": { show: { key: KEY, cert: pem('workload') }, id: 'spiffe://acme.example/orders-worker', verified: true },
  'a certificate of nobody': { show: { key: pem('key'), cert: pem('cert') }, id: 'localhost', verified: false },
  'no certificate': { show: {}, id: 'anonymous', verified: false },
} as const;

/** Asks for a certificate and lets everybody in: what it is worth is for the record to say. */
const SERVICE = `
const http2 = require('node:http2');
const fs = require('node:fs');
const options = { key: fs.readFileSync('key.pem'), cert: fs.readFileSync('cert.pem'), ca: fs.readFileSync('client-ca.pem'), requestCert: true, rejectUnauthorized: false, allowHTTP1: true };
const server = http2.createSecureServer(options, (request, response) => {
  response.statusCode = request.url === '/refused' ? 401 : 200;
  response.end(request.httpVersion);
});
server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));
process.on('SIGTERM', () => process.exit(0));
`;

describe('a client certificate', () => {
  let folder: ServiceFolder;
  let service: Service;
  let port: number;
  let asked = 0;

  before(async () => {
    const files = Object.fromEntries(['key', 'cert', 'client-ca'].map((name) => [`${name}.pem`, pem(name)]));
    folder = createServiceFolder({ ...files, 'server.js': SERVICE });
    service = await folder.start({ entry: 'server.js' });
    port = Number(new URL(service.url).port);
  });
  after(async () => {
    await service?.end();
    folder?.remove();
  });

  async function actorOf(ask: (headers: Record<string, string>) => Promise<unknown>) {
    const id = `r-${asked++}`;
    await ask({ 'x-request-id': id });
    const record = () => folder.records().find(({ request }) => request?.id === id);
    await until(`the record of ${id} is written`, () => record() !== undefined);
    return record()?.actor;
  }

  const ask = (show: object, url = '/') =>
    actorOf(async (headers) => {
      const request = https.get(`https://127.0.0.1:${port}${url}`, { ...show, rejectUnauthorized: false, agent: false, headers });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      await once(response.resume(), 'end');
    });

  for (const [name, { show, id, verified }] of Object.entries(CLIENTS)) {
    it(`is the actor: ${name}`, async () => {
      const actor = await ask(show);
      const isNobody = id === 'anonymous';
      assert.deepEqual(actor, isNobody ? { id, type: id, verified } : { id, type: 'service', source: 'mtls', verified });
    });
  }

  it('is claimed where the service refuses', async () => {
    assert.equal((await ask(CLIENTS['a certificate of the authority'].show, '/refused'))?.verified, false);
  });

  it('is the actor over HTTP/2 as well', async () => {
    const session = http2.connect(`https://127.0.0.1:${port}`, { ...CLIENTS["a workload's certificate"].show, rejectUnauthorized: false });
    const actor = await actorOf(async (headers) => {
      const stream = session.request({ ':path': '/', ...headers });
      stream.resume();
      await once(stream, 'end');
    });
    session.destroy();
    assert.deepEqual([actor?.id, actor?.verified], ['spiffe://acme.example/orders-worker', true]);
  });

  it('is the actor of a resumed session', async () => {
    const options = { port, host: '127.0.0.1', ...CLIENTS['a certificate of the authority'].show, rejectUnauthorized: false };
    const first = tls.connect({ ...options, maxVersion: 'TLSv1.2' });
    const [session] = (await once(first, 'session')) as [Buffer];
    first.destroy();
    const socket = tls.connect({ ...options, maxVersion: 'TLSv1.2', session });
    await once(socket, 'secureConnect');
    assert.equal(socket.isSessionReused(), true);
    const actor = await actorOf(async (headers) => {
      socket.end(`GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-request-id: ${headers['x-request-id']}\r\n\r\n`);
      await once(socket.resume(), 'end');
    });
    assert.deepEqual([actor?.id, actor?.verified], ['orders-worker', true]);
  });
});
