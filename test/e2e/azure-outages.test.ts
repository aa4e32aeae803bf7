/**
 * A service that reports to Application Insights while that misbehaves in every documented way: killed in the midst of it, started
 * again, and every record is accepted or is a dead letter with the reason.
 */

import '../support/network-guard.js';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, it } from 'node:test';
import type { AuditHealth } from '../../src/health.js';
import { send } from '../support/audited-server.js';
import {
  ACCEPT,
  drip,
  HANG,
  htmlPage,
  type IngestionBehaviour,
  itemErrors,
  redirect,
  refuse,
  reset,
} from '../support/ingestion-behaviours.js';
import { type IngestionServer, startIngestionServer } from '../support/ingestion-server.js';
import { sendMany } from '../support/request-flow.js';
import { createServiceFolder, type Service, type ServiceFolder } from '../support/service.js';
import { CERTIFICATE_FILE } from '../support/tls.js';
import { until } from '../support/waiting.js';

const SERVER = `
const http = require('node:http');
const { auditHealth } = require('otel-audit');
http.createServer((request, response) => {
  if (request.url === '/counters') return response.end(JSON.stringify(auditHealth()));
  request.resume().on('end', () => response.writeHead(201, { 'content-type': 'application/json' }).end('{"ok":true}'));
}).listen(0, '127.0.0.1', function () { console.log('listening on http://127.0.0.1:' + this.address().port); });`;

const REQUESTS = 6;
const INVALID_KEY: IngestionBehaviour = { kind: 'status', status: 400, body: '{"message":"Invalid instrumentation key"}' };

/** Always at first; once more after the kill, when the service has started again. */
const OUTAGES: readonly (readonly [string, IngestionBehaviour, IngestionBehaviour?])[] = [
  ['accepts', ACCEPT],
  ['accepts some of it', itemErrors({ 0: 400, 1: 429, 2: 500, 3: 439 })],
  ['redirects elsewhere with 307', redirect(307, 'http://127.0.0.2:9/v2.1/track')],
  ['redirects elsewhere with 308', redirect(308, 'http://127.0.0.2:9/v2.1/track')],
  ['calls the key invalid', INVALID_KEY],
  ['finds everything faulty', refuse(400)],
  ['refuses with 401', refuse(401)],
  ['refuses with 402', refuse(402), refuse(402, '1')],
  ['refuses with 403', refuse(403)],
  ['says 404', refuse(404)],
  ['says 408', refuse(408)],
  ['finds it too large', refuse(413)],
  ['throttles for a second', refuse(429, '1')],
  [
    'throttles until a date',
    refuse(429, new Date(Date.now() + 3_600_000).toUTCString()),
    refuse(429, new Date(Date.now() - 1).toUTCString()),
  ],
  ['has reached its daily cap', refuse(439), refuse(439, '1')],
  ...[500, 502, 503, 504].map((status) => [`fails with ${status}`, refuse(status)] as const),
  ['resets before receipt', reset('before')],
  ['resets after receipt', reset('after')],
  ['hangs', HANG],
  ['is a captive portal', htmlPage()],
  ['answers a byte at a time', drip(200)],
];

describe('a service whose Application Insights', { concurrency: 8, timeout: 240_000 }, () => {
  for (const [name, always, once = always] of OUTAGES) {
    it(`${name} loses nothing, killed in the midst of it or not`, async (t) => {
      let isOut = true;
      const ingestion = await startIngestionServer({ respond: () => (isOut ? always : ACCEPT) });
      const folder = createServiceFolder({ 'server.js': SERVER });
      const services: Service[] = [];
      const start = startIn(folder, services, { AUDIT_AZURE_CONNECTION_STRING: ingestion.connectionString });
      t.after(() => cleanUp(services, folder, [ingestion]));

      const killed = await start();
      const early = await sendMany(killed.url, 'early', REQUESTS);
      // And the record that it has started.
      await until('all are journalled', async () => (await countersOf(killed)).capture.journalled > REQUESTS);
      await until('the endpoint is asked', () => isAsked(ingestion, killed), 20_000);
      await killed.end('SIGKILL');

      isOut = false;
      ingestion.behaviours.push(once);
      const next = await start();
      const late = await sendMany(next.url, 'late', REQUESTS);
      const settled = (): ReadonlySet<string | undefined> => new Set([...acceptedBy(ingestion), ...deadLettersIn(folder)]);
      const missing = (): readonly string[] => [...early, ...late].filter((id) => !settled().has(id));
      await until('every record is accepted or a dead letter', () => missing().length === 0, 60_000).catch(() =>
        assert.deepEqual(missing(), []),
      );
      await until('the counters add up', async () => addsUp(await countersOf(next)), 30_000);
    });
  }
});

describe('a service whose Application Insights', { timeout: 60_000 }, () => {
  it('shows a certificate that nobody has signed waits until it is trusted', async (t) => {
    const ingestion = await startIngestionServer({ tls: true });
    const folder = createServiceFolder({ 'server.js': SERVER });
    const services: Service[] = [];
    const start = startIn(folder, services, { AUDIT_AZURE_CONNECTION_STRING: ingestion.connectionString });
    t.after(() => cleanUp(services, folder, [ingestion]));
    const killed = await start();
    const ids = await sendMany(killed.url, 'early', REQUESTS);
    await until('all are journalled', async () => (await countersOf(killed)).capture.journalled > REQUESTS);
    await until(
      'TLS has failed',
      async () => /CERT|SELF_SIGNED/.test((await countersOf(killed)).exporters['azure']?.lastError ?? ''),
      20_000,
    );
    await killed.end('SIGKILL');
    assert.equal(ingestion.requests.length, 0);
    await start({ NODE_EXTRA_CA_CERTS: CERTIFICATE_FILE });
    await until('all have arrived', () => ids.every((id) => acceptedBy(ingestion).includes(id)), 30_000);
  });

  it('wants a token gets it from the managed identity, and again after 401 and 403', async (t) => {
    const ingestion = await startIngestionServer({ tls: true });
    ingestion.behaviours.push(refuse(401), refuse(403));
    const identity = createServer((_, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(`{"access_token":"of-the-identity","expires_on":"${Math.floor(Date.now() / 1000) + 86_400}","token_type":"Bearer"}`);
    });
    await new Promise<void>((resolve) => identity.listen(0, '127.0.0.1', resolve));
    const folder = createServiceFolder({ 'server.js': SERVER });
    const services: Service[] = [];
    t.after(() => cleanUp(services, folder, [ingestion, identity]));
    const service = await startIn(folder, services, {
      AUDIT_AZURE_CONNECTION_STRING: ingestion.connectionString,
      AUDIT_AZURE_CREDENTIAL: 'managed-identity:00000000-0000-4000-8000-000000000009',
      IDENTITY_ENDPOINT: `http://127.0.0.1:${(identity.address() as AddressInfo).port}/token`,
      IDENTITY_HEADER: 'header',
      NODE_EXTRA_CA_CERTS: CERTIFICATE_FILE,
    })();
    const ids = await sendMany(service.url, 'authorised', REQUESTS);
    await until('all have arrived', () => ids.every((id) => acceptedBy(ingestion).includes(id)), 30_000);
    assert.deepEqual([...new Set(ingestion.requests.map(({ headers }) => headers.authorization))], ['Bearer of-the-identity']);
    assert.ok(ingestion.requests.length >= 3);
  });

  it('wants a token does not start without @azure/identity, and says what to install', async (t) => {
    const missing = `
      const Module = require('node:module');
      const { _resolveFilename } = Module;
      Module._resolveFilename = function (name, ...rest) {
        if (name === '@azure/identity') throw Object.assign(new Error('not found'), { code: 'MODULE_NOT_FOUND' });
        return Reflect.apply(_resolveFilename, this, [name, ...rest]);
      };`;
    const folder = createServiceFolder({ 'server.js': SERVER, 'missing.js': missing });
    t.after(() => folder.remove());
    const start = folder.start({
      entry: 'server.js',
      preload: ['--require', './missing.js', '--require', 'otel-audit/register'],
      env: {
        AUDIT_EXPORTER: 'azure',
        AUDIT_AZURE_CONNECTION_STRING: 'InstrumentationKey=00000000-0000-4000-8000-000000000001',
        AUDIT_AZURE_CREDENTIAL: 'default',
      },
    });
    await assert.rejects(
      start,
      /AUDIT_AZURE_CREDENTIAL: needs the package @azure\/identity, which is not installed; run npm install @azure\/identity/,
    );
  });
});

function startIn(folder: ServiceFolder, services: Service[], always: Readonly<Record<string, string>>) {
  return async (env: Readonly<Record<string, string>> = {}): Promise<Service> => {
    const common = { AUDIT_EXPORTER: 'azure', AUDIT_JOURNAL_DIR: 'journal', AUDIT_EXCLUDE_PATHS: '/counters' };
    const service = await folder.start({ entry: 'server.js', env: { ...common, ...always, ...env } });
    services.push(service);
    return service;
  };
}

async function cleanUp(services: readonly Service[], folder: ServiceFolder, servers: readonly { close(): unknown }[]): Promise<void> {
  for (const service of services) {
    if (service.process.exitCode === null && service.process.signalCode === null) await service.end('SIGKILL');
  }
  await Promise.all(servers.map((server) => server.close()));
  folder.remove();
}

async function countersOf({ url }: Service): Promise<AuditHealth> {
  return JSON.parse((await send(`${url}/counters`)).body) as AuditHealth;
}

/** The server has seen a request, or the service has felt what kept it from seeing one. */
async function isAsked(ingestion: IngestionServer, service: Service): Promise<boolean> {
  return ingestion.requests.length > 0 || (await countersOf(service)).exporters['azure']?.lastError !== undefined;
}

function acceptedBy({ items }: IngestionServer): readonly (string | undefined)[] {
  return items.map(({ data }) => data.baseData.properties?.['audit.request.id']);
}

/** Request ids of dead letters, each of which has a reason. */
function deadLettersIn({ directory }: ServiceFolder): readonly (string | undefined)[] {
  const files = readdirSync(path.join(directory, 'journal'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.includes('dead-letter'),
  );
  const lines = files.flatMap((name) =>
    readFileSync(path.join(directory, 'journal', name), 'utf8')
      .split('\n')
      .filter(Boolean),
  );
  return lines.map((line) => {
    const { reason, record } = JSON.parse(line) as {
      readonly reason: string;
      readonly record: { readonly request?: { readonly id: string } };
    };
    assert.match(reason, /\S/);
    return record.request?.id;
  });
}

function addsUp({ capture, exporters: { azure } }: AuditHealth): boolean {
  return azure !== undefined && azure.undelivered === 0 && azure.delivered + azure.deadLettered >= capture.journalled;
}
