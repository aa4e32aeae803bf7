/** The Logs Ingestion exporter against a local endpoint: the contract, what it sends, and what answers mean. */

import '../support/network-guard.js';
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import fc from 'fast-check';
import { COLUMNS } from '../../exporters/azure-logs/columns.js';
import { createAzureLogsExporter, recordsFromRows } from '../../exporters/azure-logs/index.js';
import type { Acknowledgement, AuditExporter } from '../../src/exporter.js';
import type { AuditRecord, JournalledRecord } from '../../src/record.js';
import { exporterContract } from '../../src/testing/exporter-contract.js';
import { type LogsBehaviour, type LogsIngestionServer, RULE_ID, startLogsIngestionServer } from '../support/logs-ingestion-server.js';
import { networkViolations } from '../support/network-guard.js';
import { trustAnyCertificate } from '../support/tls.js';
import { arbitraryRecord } from './azure/arbitrary-records.js';
import { hashOf, recordOf, recordsOf } from './azure/audit-records.js';

trustAnyCertificate();

const credential = { getToken: async () => ({ token: 'a-token', expiresOnTimestamp: Date.now() + 3_600_000 }) };
const POISON = 'poisoned';
const exporterTo = ({ endpoint }: LogsIngestionServer, requestTimeoutMs = 10_000): AuditExporter =>
  createAzureLogsExporter({ endpoint, ruleId: RULE_ID, credential, requestTimeoutMs });

exporterContract('azure-logs', {
  create: async () => {
    const server = await startLogsIngestionServer(refusePoison);
    return {
      exporter: exporterTo(server),
      read: async () => recordsFromRows(server.rows).records as readonly JournalledRecord[],
      close: server.close,
    };
  },
  createStalled: async () => {
    const server = await startLogsIngestionServer(() => ({ kind: 'hang' }));
    return { exporter: exporterTo(server), close: server.close };
  },
  duplicates: 'by-id',
  poison: (record) => ({ ...record, action: POISON }),
});

function refusePoison(rows: readonly Readonly<Record<string, unknown>>[]): LogsBehaviour {
  if (!rows.some((row) => row['Action'] === POISON)) return { kind: 'accept' };
  return { kind: 'status', status: 400, body: '{"error":{"code":"InvalidRequestBody","message":"a value"}}' };
}

let server: LogsIngestionServer;
let exporter: AuditExporter;

before(async () => {
  server = await startLogsIngestionServer();
  exporter = exporterTo(server);
});

afterEach(() => {
  server.behaviours.length = 0;
});

after(async () => {
  await exporter.shutdown();
  await server.close();
});

async function sendThree(behaviour: LogsBehaviour): Promise<readonly Acknowledgement[]> {
  if (behaviour.kind === 'hang' || behaviour.kind === 'drip') return sendThreeInVain(behaviour);
  server.behaviours.push(behaviour);
  return exporter.export(recordsOf(3), AbortSignal.timeout(10_000));
}

/** For answers that do not come, with a short deadline: on a busy machine even the request may come after it, so to a server of its own. */
async function sendThreeInVain(behaviour: LogsBehaviour): Promise<readonly Acknowledgement[]> {
  const own = await startLogsIngestionServer(() => behaviour);
  const hasty = exporterTo(own, 300);
  const acknowledgements = await hasty.export(recordsOf(3), AbortSignal.timeout(10_000));
  await hasty.shutdown();
  await own.close();
  return acknowledgements;
}

const RETRIED: readonly (readonly [string, LogsBehaviour, RegExp])[] = [
  ...[401, 403, 404, 408, 429, 500, 502, 503, 504].map(
    (status) => [String(status), { kind: 'status', status }, new RegExp(String(status))] as const,
  ),
  [
    '400 that names the stream',
    { kind: 'status', status: 400, body: '{"error":{"code":"InvalidStream"}}' },
    /InvalidStream: check the rule/,
  ],
  ['a redirect elsewhere', { kind: 'status', status: 307, headers: { location: 'https://127.0.0.2:9/' } }, /307/],
  [
    'an HTML page with 200',
    { kind: 'status', status: 200, headers: { 'content-type': 'text/html' }, body: '<title>Sign in</title>' },
    /captive portal/,
  ],
  [
    'an HTML page with 400',
    { kind: 'status', status: 400, headers: { 'content-type': 'text/html' }, body: '<title>No</title>' },
    /captive portal/,
  ],
  ['a reset before receipt', { kind: 'reset before' }, /no answer: (ECONNRESET|EPIPE|REQUEST_SEND_ERROR)/],
  ['a reset after receipt', { kind: 'reset after' }, /no answer: (ECONNRESET|EPIPE|REQUEST_SEND_ERROR)/],
  ['no answer', { kind: 'hang' }, /deadline/],
  ['an answer slower than the deadline', { kind: 'drip', everyMs: 50 }, /deadline/],
];

for (const [name, behaviour, reason] of RETRIED) {
  test(`offers the whole batch again after ${name}`, async () => {
    const calls = server.calls.length;
    const acknowledgements = await sendThree(behaviour);
    assert.equal(acknowledgements.length, 3);
    for (const one of acknowledgements) {
      assert.equal(one.status, 'retry');
      assert.match(one.reason, reason);
    }
    assert.ok(server.calls.length - calls <= 1, 'the client retried by itself');
  });
}

test('waits as long as Retry-After says', async () => {
  const [one] = await sendThree({ kind: 'status', status: 429, headers: { 'retry-after': '7' } });
  assert.equal(one?.status === 'retry' && one.afterMs, 7000);
});

test('offers again when the credential fails, and tells nothing it said', async () => {
  const getToken = async (): Promise<never> => {
    throw Object.assign(new Error('secret-tenant has no secret-token'), { name: 'CredentialUnavailableError' });
  };
  const own = createAzureLogsExporter({ endpoint: server.endpoint, ruleId: RULE_ID, credential: { getToken } });
  const calls = server.calls.length;
  assert.deepEqual(await own.export(recordsOf(1), AbortSignal.timeout(10_000)), [
    { status: 'retry', reason: 'no answer: CredentialUnavailableError' },
  ]);
  assert.equal(server.calls.length, calls);
});

test('sends at most 1 MB a call, and halves what is still too large', async () => {
  const small = await startLogsIngestionServer((rows) => (rows.length > 40 ? { kind: 'status', status: 413 } : undefined));
  const own = exporterTo(small);
  const records = recordsOf(300, { metadata: { note: 'é'.repeat(2000) } });
  const acknowledgements = await own.export(records, AbortSignal.timeout(60_000));
  assert.deepEqual(new Set(acknowledgements.map(({ status }) => status)), new Set(['delivered']));
  assert.ok(Math.max(...small.calls) <= 1_000_000 && small.calls.length > 4, String(small.calls));
  assert.equal(recordsFromRows(small.rows).records.length, 300);
  await small.close();
});

test('keeps bodies of up to 64 KB whole in their column, and longer ones in part rows', async () => {
  const from = server.rows.length;
  const bodies = ['x'.repeat(65_536), 'é'.repeat(100_000)];
  const records = bodies.map((body, index) => recordOf(index, { request: { id: 'r', body, bodyFormat: 'text' } }));
  await exporterTo(server).export(records, AbortSignal.timeout(10_000));
  const rows = server.rows.slice(from);
  assert.deepEqual(
    rows.map(({ RecordId, Parts, Part, PartOf }) => [RecordId, Parts, Part, PartOf]),
    [
      ['0193-0', null, null, ''],
      ['0193-1', 3, null, ''],
      ['0193-1', null, 1, 'RequestBody'],
      ['0193-1', null, 2, 'RequestBody'],
      ['0193-1', null, 3, 'RequestBody'],
    ],
  );
  assert.equal(rows[0]?.['RequestBody'], bodies[0]);
  assert.deepEqual(
    recordsFromRows([...rows].reverse())
      .records.map((record) => record.request?.body)
      .sort(),
    [...bodies].sort(),
  );
  assert.deepEqual(recordsFromRows(rows.slice(0, -1)).incomplete, ['0193-1']);
});

test('rebuilds every record from its rows, hash included', async () => {
  const batch = fc
    .integer({ min: 1, max: 3 })
    .chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => arbitraryRecord(index))));
  const own = exporterTo(server);
  await fc.assert(
    fc.asyncProperty(batch, async (records) => {
      const from = server.rows.length;
      const acknowledgements = await own.export(records, AbortSignal.timeout(30_000));
      assert.ok(acknowledgements.every(({ status }) => status === 'delivered'));
      const rebuilt = recordsFromRows(server.rows.slice(from));
      assert.deepEqual(rebuilt.incomplete, []);
      assert.equal(rebuilt.records.length, records.length);
      rebuilt.records.forEach((record: AuditRecord, index) => {
        assert.equal(hashOf(record), records[index]?.integrity.hash);
        assert.equal(record.integrity?.hash, records[index]?.integrity.hash);
      });
    }),
    { numRuns: 80, endOnFailure: true },
  );
});

test('asks for tokens of its cloud, and sends them to nobody else', async () => {
  const asked: unknown[] = [];
  const getToken = async (scopes: string | string[]) => {
    asked.push(scopes);
    return { token: 'mine', expiresOnTimestamp: Date.now() + 3_600_000 };
  };
  await createAzureLogsExporter({ endpoint: server.endpoint, ruleId: RULE_ID, credential: { getToken } }).export(
    recordsOf(1),
    AbortSignal.timeout(10_000),
  );
  assert.equal(server.tokens.at(-1), 'Bearer mine');
  const usGovernment = createAzureLogsExporter({
    endpoint: 'https://localhost.monitor.azure.us',
    ruleId: RULE_ID,
    credential: { getToken },
    requestTimeoutMs: 100,
  });
  await usGovernment.export(recordsOf(1), AbortSignal.abort());
  assert.deepEqual(asked.flat(), ['https://monitor.azure.com/.default']);
  assert.deepEqual(networkViolations(), []);
});

test('refuses what is no endpoint, rule or stream, and repeats none of it', () => {
  assert.throws(
    () => createAzureLogsExporter({ endpoint: 'http://x/', ruleId: 'my-rule', stream: 'Audit', credential }),
    (error: Error) => {
      for (const name of ['ENDPOINT', 'RULE_ID', 'STREAM']) assert.ok(error.message.includes(`AUDIT_AZURE_LOGS_${name}`), error.message);
      assert.ok(!error.message.includes('my-rule'));
      return true;
    },
  );
});

test('its columns fit the limits of a custom table', () => {
  const names = COLUMNS.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const name of names) {
    assert.match(name, /^[A-Za-z]\w{0,44}$/);
    assert.ok(!['id', 'Title', 'Type', 'TenantId', '_ResourceId', 'UniqueId', 'BilledSize', 'IsBillable'].includes(name), name);
  }
});
