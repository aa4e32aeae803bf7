/** samples/azure against local ingestion endpoints: one audit event a request, and telemetry that is what it was. */

import '../support/network-guard.js';
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { recordsFromEnvelopes } from '../../exporters/azure/index.js';
import { send } from '../support/audited-server.js';
import { type IngestionItem, type IngestionServer, startIngestionServer } from '../support/ingestion-server.js';
import { createSampleFolder, type Service } from '../support/service.js';

const TRAIL_KEY = '00000000-0000-4000-8000-00000000000a';
const UNWIRED = `
  const appInsights = require('applicationinsights');
  appInsights.setup().start();
  const trackEvent = (name, properties) => appInsights.defaultClient.trackEvent({ name, properties });
  module.exports = { trackEvent, shutdown: appInsights.shutdownAzureMonitor };`;
const WIRED_BY_DISTRO_FUNCTION = `
  const { AuditLogRecordProcessor, AuditSpanProcessor, auditHttpHooks } = require('otel-audit');
  const { shutdownAzureMonitor, useAzureMonitor } = require('applicationinsights');
  useAzureMonitor({
    instrumentationOptions: { http: { enabled: true, ...auditHttpHooks() } },
    spanProcessors: [new AuditSpanProcessor()],
    logRecordProcessors: [new AuditLogRecordProcessor()],
  });
  module.exports = { trackEvent() {}, shutdown: shutdownAzureMonitor };`;
const ALL_TRACES = { OTEL_TRACES_SAMPLER: 'always_on' };
const ATTACHED = ['--require', 'otel-audit/register'];

describe('samples/azure', () => {
  it('makes one audit event of each of 300 requests, while the SDK samples 5 traces a second', async (t) => {
    const { telemetry, trail, start, stop } = await setUp(t);
    const service = await start();
    const ids = await burst(service, 300);
    await stop(service);
    const { records, incomplete } = recordsFromEnvelopes(requestsOf(trail.items));
    assert.deepEqual(incomplete, []);
    assert.equal(records.length, 300);
    assert.equal(requestsOf(trail.items).length, 300);
    assert.deepEqual(records.map(({ request }) => request?.id).sort(), [...ids].sort());
    const own = requestsIn(telemetry);
    assert.ok(own.length > 0 && own.length < 300, `${own.length} requests were sampled`);
    assert.equal(eventsIn(telemetry, 'invoice issued').length, 300);
    assertOnSpans(own, records);
    t.diagnostic(`${records.length} audit events, ${own.length} request spans`);
  });

  it('does the same when it is wired through useAzureMonitor', async (t) => {
    const { telemetry, trail, start, stop } = await setUp(t, { telemetry: WIRED_BY_DISTRO_FUNCTION });
    const service = await start();
    await burst(service, 300);
    await stop(service);
    const { records } = recordsFromEnvelopes(requestsOf(trail.items));
    assert.equal(records.length, 300);
    const own = requestsIn(telemetry);
    assert.ok(own.length > 0 && own.length < 300, `${own.length} requests were sampled`);
    assertOnSpans(own, records);
  });

  it('keeps trail and telemetry apart in one resource', async (t) => {
    const { telemetry, start, stop } = await setUp(t, { env: ALL_TRACES });
    const service = await start({ AUDIT_AZURE_CONNECTION_STRING: '' });
    await burst(service, 20);
    await stop(service);
    assert.equal(eventsIn(telemetry, 'audit.http').length, 20);
    assert.equal(eventsIn(telemetry, 'invoice issued').length, 20);
    assert.equal(requestsIn(telemetry).length, 20);
  });

  it('is recorded by the preload in attach mode without any wiring, its telemetry as without the preload', async (t) => {
    const plain = await setUp(t, { telemetry: UNWIRED, env: ALL_TRACES });
    const attached = await setUp(t, { telemetry: UNWIRED, env: { ...ALL_TRACES, AUDIT_MODE: 'attach' }, preload: ATTACHED });
    for (const { start, stop } of [plain, attached]) {
      const service = await start();
      await burst(service, 30);
      await stop(service);
    }
    assert.equal(plain.trail.items.length, 0);
    const { records } = recordsFromEnvelopes(requestsOf(attached.trail.items));
    assert.equal(records.length, 30);
    assertOnSpans(requestsIn(attached.telemetry), records);
    assert.deepEqual(shapesIn(attached.telemetry), shapesIn(plain.telemetry));
  });
});

interface Variation {
  /** Replaces the sample's telemetry.js. */
  readonly telemetry?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly preload?: readonly string[];
}

async function setUp(t: TestContext, variation: Variation = {}) {
  const telemetry = await startIngestionServer();
  const trail = await startIngestionServer({ instrumentationKey: TRAIL_KEY });
  const folder = createSampleFolder('azure', variation.telemetry === undefined ? {} : { 'telemetry.js': variation.telemetry });
  const running: Service[] = [];
  t.after(async () => {
    for (const service of running)
      if (service.process.exitCode === null && service.process.signalCode === null) await service.end('SIGKILL');
    await Promise.all([telemetry.close(), trail.close()]);
    folder.remove();
  });
  return {
    telemetry,
    trail,
    async start(env: Readonly<Record<string, string>> = {}): Promise<Service> {
      const service = await folder.start({
        entry: 'server.js',
        preload: variation.preload ?? [],
        env: {
          PORT: '0',
          ...azureAt(telemetry),
          AUDIT_EXPORTER: 'azure',
          AUDIT_AZURE_CONNECTION_STRING: trail.connectionString,
          AUDIT_JOURNAL_DIR: path.join(folder.directory, 'journal'),
          ...variation.env,
          ...env,
        },
      });
      running.push(service);
      return service;
    },
    async stop(service: Service): Promise<void> {
      assert.deepEqual(await service.end(), { code: 0, signal: null }, service.stderr());
    },
  };
}

/** Telemetry goes to the local endpoint, and nothing else is asked: no live metrics, no statistics about itself. */
function azureAt(server: IngestionServer): Readonly<Record<string, string>> {
  return {
    APPLICATIONINSIGHTS_CONNECTION_STRING: server.connectionString,
    APPLICATIONINSIGHTS_CONFIGURATION_CONTENT: JSON.stringify({
      azureMonitorExporterOptions: { host: server.url, allowInsecureConnection: true, disableOfflineStorage: true },
      enableLiveMetrics: false,
    }),
    APPLICATION_INSIGHTS_NO_STATSBEAT: 'true',
    APPLICATIONINSIGHTS_SDKSTATS_DISABLED: 'true',
    // The SDK asks whether it runs in an Azure VM, whatever its settings say.
    NETWORK_GUARD_EXPECTED: '169.254.169.254',
  };
}

/** Sends `count` requests, ten at a time; answers their ids. */
async function burst(service: Service, count: number): Promise<readonly string[]> {
  const ids = Array.from({ length: count }, (_, n) => `burst-${n}`);
  const queue = [...ids];
  const sender = async (): Promise<void> => {
    for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
      const headers = { 'content-type': 'application/json', 'x-request-id': id };
      const { status } = await send(`${service.url}/api/invoices`, { method: 'POST', headers }, '{"customer":"acme","amount":7}');
      assert.equal(status, 201);
    }
  };
  await Promise.all(Array.from({ length: 10 }, sender));
  return ids;
}

function requestsIn({ items }: IngestionServer): readonly IngestionItem[] {
  return items.filter((item) => item.data.baseType === 'RequestData');
}

function eventsIn({ items }: IngestionServer, name: string): readonly IngestionItem[] {
  return items.filter((item) => item.data.baseType === 'EventData' && item.data.baseData.name === name);
}

/** Each request span carries its record's attributes, in its record's trace, and no body. */
/** Without the records of the audit's own life. */
function requestsOf(items: readonly IngestionItem[]): readonly IngestionItem[] {
  return items.filter(({ data }) => data.baseData.properties?.['audit.kind'] !== 'lifecycle');
}

function assertOnSpans(spans: readonly IngestionItem[], records: ReturnType<typeof recordsFromEnvelopes>['records']): void {
  for (const { tags, data } of spans) {
    const properties = data.baseData.properties ?? {};
    const record = records.find(({ id }) => id === properties['audit.record.id']);
    assert.ok(record !== undefined, JSON.stringify(properties));
    assert.equal(properties['audit.action'], 'invoice.created');
    assert.equal(properties['audit.actor.id'], 'anonymous');
    assert.equal(properties['audit.request.body'], undefined);
    assert.equal(tags['ai.operation.id'], record.trace?.traceId);
  }
}

/** What the service reports, without what differs between any two runs, metrics, and our attributes. */
function shapesIn({ items }: IngestionServer): readonly string[] {
  const reported = items.filter((item) => item.data.baseType !== 'MetricData');
  return reported.map(({ name, tags, data }) => JSON.stringify({ name, tags: Object.keys(tags).sort(), ...shapeOf(data) })).sort();
}

function shapeOf({ baseType, baseData }: IngestionItem['data']): object {
  const { properties = {}, ...rest } = baseData;
  const kept = Object.keys(properties).filter((property) => !property.startsWith('audit.'));
  const { name, responseCode, success } = rest as Readonly<Record<string, unknown>>;
  return { baseType, name, responseCode, success, members: Object.keys(rest).sort(), properties: kept.sort() };
}
