import '../support/network-guard.js';
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { createAzureExporter } from '../../exporters/azure/index.js';
import type { Acknowledgement, AuditExporter } from '../../src/exporter.js';
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
import { recordsOf } from './azure/audit-records.js';

let server: IngestionServer;
let exporter: AuditExporter;

before(async () => {
  server = await startIngestionServer();
  exporter = createAzureExporter({ connectionString: server.connectionString });
});

afterEach(() => {
  server.behaviours.length = 0;
});

after(async () => {
  await exporter.shutdown();
  await server.close();
});

/** What three records come to when the server behaves so at the first request and well afterwards. */
async function sendThree(...behaviours: readonly IngestionBehaviour[]): Promise<readonly Acknowledgement[]> {
  if (behaviours.some(({ kind }) => kind === 'hang' || kind === 'drip')) return sendThreeInVain(behaviours);
  server.behaviours.push(...behaviours);
  return exporter.export(recordsOf(3), AbortSignal.timeout(10_000));
}

/** For answers that do not come, with a short deadline: on a busy machine even the request may come after it, so to a server of its own. */
async function sendThreeInVain(behaviours: readonly IngestionBehaviour[]): Promise<readonly Acknowledgement[]> {
  const own = await startIngestionServer();
  own.behaviours.push(...behaviours);
  const hasty = createAzureExporter({ connectionString: own.connectionString, requestTimeoutMs: 300 });
  const acknowledgements = await hasty.export(recordsOf(3), AbortSignal.timeout(10_000));
  await hasty.shutdown();
  await own.close();
  return acknowledgements;
}

const RETRIED: readonly (readonly [string, IngestionBehaviour, RegExp])[] = [
  ['401', refuse(401), /not authorised/],
  ['403', refuse(403), /forbidden/],
  ['408', refuse(408), /408/],
  ['429', refuse(429), /throttled/],
  ['439', refuse(439), /daily cap/],
  ['500', refuse(500), /500/],
  ['502', refuse(502), /502/],
  ['503', refuse(503), /503/],
  ['504', refuse(504), /504/],
  ['a redirect to another origin', redirect(308, 'http://127.0.0.2:9/v2.1/track'), /another origin/],
  ['a redirect to nowhere', { kind: 'status', status: 307 }, /another origin/],
  ['an HTML page with 200', htmlPage(), /captive portal/],
  ['an HTML page with 400', htmlPage(400), /captive portal/],
  ['an HTML page with 404', htmlPage(404), /captive portal/],
  ['200 with an empty body', refuse(200), /captive portal/],
  ['204', refuse(204), /204/],
  ['a reset before receipt', reset('before'), /ECONNRESET|EPIPE/],
  ['a reset after receipt', reset('after'), /ECONNRESET/],
  ['no answer', HANG, /deadline/],
  ['an answer slower than the deadline', drip(50), /deadline/],
];

for (const [name, behaviour, reason] of RETRIED) {
  test(`offers the whole batch again after ${name}`, async () => {
    const requests = server.requests.length;
    const acknowledgements = await sendThree(behaviour);
    assert.equal(acknowledgements.length, 3);
    for (const one of acknowledgements) {
      assert.equal(one.status, 'retry');
      assert.match(reasonOf(one), reason);
    }
    assert.ok(server.requests.length - requests <= 1, 'the exporter retried by itself');
  });
}

const REJECTED: readonly (readonly [string, IngestionBehaviour, RegExp])[] = [
  ['402', refuse(402), /quota/],
  ['404', refuse(404), /404/],
  [
    'an invalid instrumentation key',
    { kind: 'status', status: 400, body: '{"message":"Invalid instrumentation key"}' },
    /instrumentation key/,
  ],
];

for (const [name, behaviour, reason] of REJECTED) {
  test(`rejects the whole batch with its reason after ${name}`, async () => {
    const acknowledgements = await sendThree(behaviour);
    assert.deepEqual(statusesOf(acknowledgements), ['rejected', 'rejected', 'rejected']);
    assert.match(reasonOf(acknowledgements[0]), reason);
  });
}

test('rejects every record when the key is not the one of the resource', async () => {
  const other = server.connectionString.replace('000000000001', '000000000002');
  const stranger = createAzureExporter({ connectionString: other });
  const acknowledgements = await stranger.export(recordsOf(2), AbortSignal.timeout(10_000));
  await stranger.shutdown();
  assert.deepEqual(statusesOf(acknowledgements), ['rejected', 'rejected']);
  assert.match(reasonOf(acknowledgements[0]), /invalid instrumentation key/);
});

test('tells accepted, refused and postponed items of a 206 apart', async () => {
  server.behaviours.push({ ...itemErrors({ 1: 400, 2: 429, 3: 500, 4: 503, 5: 439, 6: 408 }) });
  const acknowledgements = await exporter.export(recordsOf(8), AbortSignal.timeout(10_000));
  assert.deepEqual(statusesOf(acknowledgements), ['delivered', 'rejected', 'retry', 'retry', 'retry', 'retry', 'retry', 'delivered']);
  assert.equal(reasonOf(acknowledgements[1]), 'item status 400, code 109');
});

test('does not take for stored what the totals of a 200 do not cover', async () => {
  const body = JSON.stringify({ itemsReceived: 3, itemsAccepted: 2, errors: [] });
  const acknowledgements = await sendThree({ kind: 'status', status: 200, body });
  assert.deepEqual(statusesOf(acknowledgements), ['retry', 'retry', 'retry']);
});

test('says so when ingestion sampling dropped a record', async () => {
  const [first, second] = await sendThree({ kind: 'items', errors: { 1: { status: 206, message: 'Telemetry sampled out.' } } });
  assert.equal(first?.status, 'delivered');
  assert.equal(second?.status, 'rejected');
  assert.match(reasonOf(second), /sampling/);
});

test('waits as long as Retry-After says in seconds', async () => {
  const [one] = await sendThree(refuse(429, '7'));
  assert.equal(one?.status === 'retry' && one.afterMs, 7000);
});

test('waits as long as Retry-After says as a date', async () => {
  const [one] = await sendThree(refuse(503, new Date(Date.now() + 30_000).toUTCString()));
  const afterMs = one?.status === 'retry' ? (one.afterMs ?? 0) : 0;
  assert.ok(afterMs > 25_000 && afterMs <= 30_000, String(afterMs));
});

test('finds the one bad record of a refused batch and delivers the others', async () => {
  const picky = await startIngestionServer({
    respond: (request) =>
      request.items.some((item) => item.data.baseData.properties?.['audit.record.id'] === '0193-5') ? refuse(400) : ACCEPT,
  });
  const own = createAzureExporter({ connectionString: picky.connectionString });
  const acknowledgements = await own.export(recordsOf(9), AbortSignal.timeout(10_000));
  await own.shutdown();
  await picky.close();
  assert.deepEqual(
    acknowledgements.flatMap((one, index) => (one.status === 'delivered' ? [] : [[index, one.status]])),
    [[5, 'rejected']],
  );
  assert.equal(picky.items.length, 8);
});

test('halves what is too large, remembers it, and rejects only a record that is too large alone', async () => {
  const small = await startIngestionServer({ respond: (request) => (request.bytes > 100_000 ? refuse(413) : ACCEPT) });
  const own = createAzureExporter({ connectionString: small.connectionString });
  const records = recordsOf(150);
  assert.deepEqual(new Set(statusesOf(await own.export(records, AbortSignal.timeout(10_000)))), new Set(['delivered']));
  const requests = small.requests.length;
  assert.deepEqual(new Set(statusesOf(await own.export(records, AbortSignal.timeout(10_000)))), new Set(['delivered']));
  assert.ok(small.requests.slice(requests).every((request) => request.bytes <= 100_000));
  small.behaviours.push(refuse(413));
  const [alone] = await own.export(recordsOf(1), AbortSignal.timeout(10_000));
  assert.equal(alone?.status, 'rejected');
  await own.shutdown();
  await small.close();
});

test('sends nothing more once a request of the batch must be retried', async () => {
  const own = createAzureExporter({ connectionString: server.connectionString, maxRequestBytes: 4000 });
  const requests = server.requests.length;
  server.behaviours.push(ACCEPT, refuse(503, '3'));
  const acknowledgements = await own.export(recordsOf(20), AbortSignal.timeout(10_000));
  await own.shutdown();
  assert.equal(server.requests.length - requests, 2);
  const first = statusesOf(acknowledgements).lastIndexOf('delivered');
  assert.ok(
    first >= 0 &&
      statusesOf(acknowledgements)
        .slice(first + 1)
        .every((status) => status === 'retry'),
  );
});

test('follows a redirect within the origin', async () => {
  assert.deepEqual(statusesOf(await sendThree(redirect(308, '/v2/track'))), ['delivered', 'delivered', 'delivered']);
});

test('gives up at once when the signal aborts', async () => {
  const patient = createAzureExporter({ connectionString: server.connectionString });
  server.behaviours.push(HANG);
  const abort = new AbortController();
  const settled = patient.export(recordsOf(3), abort.signal);
  const received = server.requests.length;
  while (server.requests.length === received) await new Promise((resolve) => setImmediate(resolve));
  abort.abort();
  assert.deepEqual(statusesOf(await settled), ['retry', 'retry', 'retry']);
  await patient.shutdown();
});

test('offers again when nobody listens', async () => {
  const gone = await startIngestionServer();
  await gone.close();
  const own = createAzureExporter({ connectionString: gone.connectionString });
  const [one] = await own.export(recordsOf(1), AbortSignal.timeout(10_000));
  await own.shutdown();
  assert.equal(one?.status, 'retry');
  assert.match(reasonOf(one), /ECONNREFUSED/);
});

test('offers again when TLS fails, and when a credential fails or hangs', async () => {
  const connectionString = server.connectionString.replace('http:', 'https:');
  const requests = server.requests.length;
  const plain = createAzureExporter({ connectionString });
  const [refused] = await plain.export(recordsOf(1), AbortSignal.timeout(10_000));
  assert.match(reasonOf(refused), /^no answer: (ERR_SSL|EPROTO)/);
  await plain.shutdown();
  const fail = async (): Promise<never> => {
    throw Object.assign(new Error('secret-tenant has no secret-token'), { name: 'CredentialUnavailableError' });
  };
  const hang = (): Promise<never> => new Promise(() => undefined);
  for (const [getToken, reason] of [
    [fail, 'credential: CredentialUnavailableError'],
    [hang, 'deadline: TimeoutError'],
  ] as const) {
    const own = createAzureExporter({ connectionString, credential: { getToken }, requestTimeoutMs: 200 });
    const acknowledgements = await own.export(recordsOf(2), AbortSignal.timeout(10_000));
    await own.shutdown();
    assert.deepEqual(acknowledgements, [
      { status: 'retry', reason },
      { status: 'retry', reason },
    ]);
  }
  assert.equal(server.requests.length, requests);
});

test('sends compressed when asked to, and the server reads the same', async () => {
  const own = createAzureExporter({ connectionString: server.connectionString, gzip: true });
  assert.deepEqual(statusesOf(await own.export(recordsOf(50), AbortSignal.timeout(10_000))), Array(50).fill('delivered'));
  await own.shutdown();
  const request = server.requests.at(-1);
  assert.equal(request?.headers['content-encoding'], 'gzip');
  assert.ok((request?.bytes ?? Number.POSITIVE_INFINITY) < JSON.stringify(request?.items).length / 4);
});

function statusesOf(acknowledgements: readonly Acknowledgement[]): readonly string[] {
  return acknowledgements.map((one) => one.status);
}

function reasonOf(acknowledgement: Acknowledgement | undefined): string {
  return acknowledgement === undefined || acknowledgement.status === 'delivered' ? '' : acknowledgement.reason;
}
