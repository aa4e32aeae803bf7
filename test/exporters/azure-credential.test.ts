/** `AUDIT_AZURE_CREDENTIAL` with the real `@azure/identity`, against a local identity endpoint and local ingestion over TLS. */

import '../support/network-guard.js';
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, test } from 'node:test';
import { createExporterByName, exporterFaults } from '../../exporters/index.js';
import type { AuditExporter } from '../../src/exporter.js';
import { makeConfig } from '../support/config.js';
import { refuse } from '../support/ingestion-behaviours.js';
import { type IngestionServer, startIngestionServer } from '../support/ingestion-server.js';
import { networkViolations } from '../support/network-guard.js';
import { trustAnyCertificate } from '../support/tls.js';
import { recordsOf } from './azure/audit-records.js';

trustAnyCertificate();

const CLIENT_ID = '11111111-2222-4333-8444-555555555555';
const RESOURCE_ID = '/subscriptions/s/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/audit';
const asked: URL[] = [];
// What App Service offers its apps, and the SDK finds by these two variables.
const identity = createServer((request, response) => {
  asked.push(new URL(request.url ?? '/', 'http://127.0.0.1'));
  const expires = String(Math.floor(Date.now() / 1000) + 86_400);
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ access_token: 'token-of-the-identity', expires_on: expires, resource: 'r', token_type: 'Bearer' }));
});
let ingestion: IngestionServer;

before(async () => {
  await new Promise<void>((resolve) => identity.listen(0, '127.0.0.1', resolve));
  process.env['IDENTITY_ENDPOINT'] = `http://127.0.0.1:${(identity.address() as AddressInfo).port}/msi/token`;
  process.env['IDENTITY_HEADER'] = 'header';
  ingestion = await startIngestionServer({ tls: true });
});

afterEach(() => {
  asked.length = 0;
});

after(async () => {
  identity.close();
  await ingestion.close();
});

function configured(credential: string, more = '') {
  return makeConfig({ exporters: ['azure'], azure: { connectionString: `${ingestion.connectionString};${more}`, credential } });
}

async function exporterWith(credential: string, more = ''): Promise<AuditExporter> {
  return createExporterByName('azure', configured(credential, more));
}

for (const [credential, parameter, value] of [
  [`managed-identity:${CLIENT_ID}`, 'client_id', CLIENT_ID],
  [`managed-identity:${RESOURCE_ID}`, 'mi_res_id', RESOURCE_ID],
  ['managed-identity', 'client_id', null],
  ['default', 'client_id', null],
] as const) {
  test(`sends with the token that ${credential} gets`, async () => {
    const exporter = await exporterWith(credential);
    const acknowledgements = await exporter.export(recordsOf(2), AbortSignal.timeout(30_000));
    await exporter.shutdown();
    assert.deepEqual(
      acknowledgements.map(({ status }) => status),
      ['delivered', 'delivered'],
    );
    assert.equal(ingestion.requests.at(-1)?.headers.authorization, 'Bearer token-of-the-identity');
    const request = asked.find(({ searchParams }) => searchParams.get(parameter) === value);
    assert.equal(request?.searchParams.get('resource'), 'https://monitor.azure.com');
    assert.deepEqual(networkViolations(), []);
  });
}

test('asks for a token of the cloud that the connection string names', async () => {
  const exporter = await exporterWith(`managed-identity:${CLIENT_ID}`, 'AADAudience=https://monitor.azure.us/');
  await exporter.export(recordsOf(1), AbortSignal.timeout(30_000));
  await exporter.shutdown();
  assert.equal(asked.at(-1)?.searchParams.get('resource'), 'https://monitor.azure.us');
});

test('offers the batch again while the token is not accepted, and says which of both it is', async () => {
  const exporter = await exporterWith('managed-identity');
  for (const [status, reason] of [
    [401, 'status 401: not authorised'],
    [403, 'status 403: forbidden'],
  ] as const) {
    ingestion.behaviours.push(refuse(status));
    assert.deepEqual(await exporter.export(recordsOf(1), AbortSignal.timeout(30_000)), [{ status: 'retry', reason }]);
  }
  const [accepted] = await exporter.export(recordsOf(1), AbortSignal.timeout(30_000));
  await exporter.shutdown();
  assert.equal(accepted?.status, 'delivered');
});

test('refuses a token over plain http before the start', () => {
  const connectionString = ingestion.connectionString.replace('https:', 'http:');
  assert.deepEqual(exporterFaults(makeConfig({ exporters: ['azure'], azure: { connectionString, credential: 'default' } })), [
    'AUDIT_AZURE_CREDENTIAL: a token is sent over https only, IngestionEndpoint is plain http',
  ]);
  assert.deepEqual(exporterFaults(configured('default')), []);
});
