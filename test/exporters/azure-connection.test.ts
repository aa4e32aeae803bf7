import '../support/network-guard.js';
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { parseConnectionString } from '../../exporters/azure/connection-string.js';
import { createAzureExporter } from '../../exporters/azure/index.js';
import { AuditConfigError } from '../../src/errors.js';
import { refuse } from '../support/ingestion-behaviours.js';
import { startIngestionServer } from '../support/ingestion-server.js';
import { networkViolations } from '../support/network-guard.js';
import { recordsOf } from './azure/audit-records.js';

const KEY = 'InstrumentationKey=00000000-0000-4000-8000-00000000000A';

function endpointOf(fields: string): string {
  return parseConnectionString(`${KEY};${fields}`).ingestionEndpoint;
}

function faultsOf(connectionString: string): readonly string[] {
  try {
    parseConnectionString(connectionString);
  } catch (error) {
    assert.ok(error instanceof AuditConfigError);
    return error.faults;
  }
  return [];
}

test('reads the connection strings the portal gives', () => {
  const { instrumentationKey, ingestionEndpoint, insecure } = parseConnectionString(
    `${KEY};IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/;LiveEndpoint=https://x.azure.com/;ApplicationId=1;`,
  );
  assert.equal(instrumentationKey, '00000000-0000-4000-8000-00000000000a');
  assert.equal(ingestionEndpoint, 'https://westeurope-5.in.applicationinsights.azure.com');
  assert.equal(insecure, false);
});

test('finds the endpoint of sovereign clouds and of strings without one', () => {
  assert.equal(
    endpointOf('EndpointSuffix=applicationinsights.azure.cn;Location=chinaeast2'),
    'https://chinaeast2.dc.applicationinsights.azure.cn',
  );
  assert.equal(endpointOf('EndpointSuffix=applicationinsights.us'), 'https://dc.applicationinsights.us');
  assert.equal(endpointOf(''), 'https://dc.services.visualstudio.com');
  assert.equal(parseConnectionString(`${KEY};AADAudience=https://monitor.azure.us/`).aadAudience, 'https://monitor.azure.us/');
});

test('accepts plain http on this machine only', () => {
  for (const host of ['127.0.0.1:4318', '127.9.9.9', '127.1', 'localhost:1', '[::1]:80']) {
    assert.equal(parseConnectionString(`${KEY};IngestionEndpoint=http://${host}`).insecure, true, host);
  }
  for (const host of ['example.com', '127.0.0.1.example.com', '10.0.0.1', 'localhost.example.com', '[::2]', '0.0.0.0', '127.example']) {
    assert.match(faultsOf(`${KEY};IngestionEndpoint=http://${host}`).join(), /must be https/, host);
  }
});

test('names every fault and no value', () => {
  const secret = 'ikey-hunter2';
  const faults = faultsOf(`InstrumentationKey=${secret};IngestionEndpoint=ftp://user:hunter2@h/;rubbish`);
  assert.equal(faults.length, 4);
  assert.ok(!faults.join().includes('hunter2') && !faults.join().includes('rubbish'));
  assert.match(faultsOf('').join(), /InstrumentationKey is missing/);
  assert.match(faultsOf(`${KEY};IngestionEndpoint=not a url`).join(), /not a URL/);
});

test('leaves no file, no switch in the environment, and no word to anyone but the endpoint', async () => {
  const server = await startIngestionServer();
  const files = storageFolders();
  const exporter = createAzureExporter({ connectionString: server.connectionString });
  server.behaviours.push(refuse(500), refuse(429, '1'));
  for (let round = 0; round < 3; round += 1) await exporter.export(recordsOf(2), AbortSignal.timeout(10_000));
  await exporter.shutdown();
  await server.close();
  assert.equal(server.requests.length, 3);
  assert.deepEqual(storageFolders(), files);
  assert.equal(process.env.APPLICATION_INSIGHTS_NO_STATSBEAT, undefined);
  assert.deepEqual(networkViolations(), []);
});

test('sends no token over plain http', () => {
  const credential = { getToken: async () => ({ token: 't', expiresOnTimestamp: 0 }) };
  const connectionString = `${KEY};IngestionEndpoint=http://127.0.0.1:9`;
  assert.throws(() => createAzureExporter({ connectionString, credential }), { code: 'ERR_AUDIT_CONFIG' });
});

test('names itself as told, so that two may run side by side', () => {
  const connectionString = `${KEY};IngestionEndpoint=http://127.0.0.1:9`;
  assert.equal(createAzureExporter({ connectionString }).name, 'azure');
  assert.equal(createAzureExporter({ connectionString, name: 'azure-eu' }).name, 'azure-eu');
});

function storageFolders(): readonly string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('Microsoft-AzureMonitor'));
}
