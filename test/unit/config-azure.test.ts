/** The settings of the Azure exporters, from the environment to what the exporter does. */

import '../support/network-guard.js';
import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { describe, it } from 'node:test';
import { createExporterByName, exporterFaults } from '../../exporters/index.js';
import { type AuditConfig, loadConfig } from '../../src/config.js';
import { AuditConfigError } from '../../src/errors.js';
import { recordsOf } from '../exporters/azure/audit-records.js';
import { startIngestionServer } from '../support/ingestion-server.js';

const KEY = 'InstrumentationKey=00000000-0000-4000-8000-000000000001';
const load = (env: Readonly<Record<string, string>>): AuditConfig =>
  loadConfig({
    env: { AUDIT_EXPORTER: 'azure', AUDIT_AZURE_CONNECTION_STRING: KEY, ...env },
    directory: tmpdir(),
    faultsOf: exporterFaults,
  });

function faultsOf(env: Readonly<Record<string, string>>): string {
  try {
    load(env);
  } catch (error) {
    if (error instanceof AuditConfigError) return error.faults.join('\n');
    throw error;
  }
  return '';
}

describe('the settings of the azure exporters', () => {
  it('send nothing but events, without tags and without a credential, by default', () => {
    assert.deepEqual(load({}).azure, { connectionString: KEY, credential: undefined, signals: ['events'], tags: [] });
    assert.equal(load({}).azureLogs.stream, 'Custom-Audit_CL');
  });

  it('reach the exporter: requests, and the tags that are allowed', async (t) => {
    const server = await startIngestionServer();
    t.after(() => server.close());
    const env = {
      AUDIT_AZURE_CONNECTION_STRING: server.connectionString,
      AUDIT_AZURE_SIGNALS: 'events,requests',
      AUDIT_AZURE_TAGS: 'user',
    };
    const exporter = await createExporterByName('azure', load(env));
    await exporter.export(recordsOf(1), AbortSignal.timeout(30_000));
    await exporter.shutdown();
    assert.deepEqual(
      server.items.map(({ data, tags }) => [data.baseType, tags['ai.user.authUserId'], tags['ai.location.ip']]),
      [
        ['EventData', 'alice', undefined],
        ['RequestData', 'alice', undefined],
      ],
    );
  });

  it('say once that the connection string is missing', () => {
    assert.equal(
      faultsOf({ AUDIT_AZURE_CONNECTION_STRING: '' }),
      'AUDIT_AZURE_CONNECTION_STRING: the azure exporter needs it; copy it from the overview page of the Application Insights resource',
    );
  });

  it('are refused when wrong, by name and without a value', () => {
    for (const [name, value] of [
      ['CREDENTIAL', 'client-secret:hunter2'],
      ['SIGNALS', 'requests'],
      ['SIGNALS', 'events,hunter2'],
      ['TAGS', 'hunter2'],
    ] as const) {
      const faults = faultsOf({ [`AUDIT_AZURE_${name}`]: value });
      assert.match(faults, new RegExp(`^AUDIT_AZURE_${name}: must `), `${name}=${value}`);
      assert.ok(!faults.includes('hunter2'));
    }
    for (const value of ['default', 'managed-identity', 'managed-identity:id'])
      assert.equal(faultsOf({ AUDIT_AZURE_CREDENTIAL: value }), '');
  });

  it('name all that azure-logs lacks', () => {
    const faults = faultsOf({ AUDIT_EXPORTER: 'azure-logs', AUDIT_AZURE_LOGS_RULE_ID: 'my-rule', AUDIT_AZURE_LOGS_STREAM: 'x y' });
    for (const name of ['ENDPOINT', 'RULE_ID', 'STREAM']) assert.match(faults, new RegExp(`AUDIT_AZURE_LOGS_${name}: must be`));
    const rule = { AUDIT_AZURE_LOGS_ENDPOINT: 'https://x.ingest.monitor.azure.com', AUDIT_AZURE_LOGS_RULE_ID: `dcr-${'0'.repeat(32)}` };
    assert.equal(faultsOf({ AUDIT_EXPORTER: 'azure-logs', ...rule }), '');
  });
});
