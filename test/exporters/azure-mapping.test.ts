import '../support/network-guard.js';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventsOf } from '../../exporters/azure/envelope/log-record.js';
import { type AzureExporterOptions, createAzureExporter, recordsFromEnvelopes } from '../../exporters/azure/index.js';
import type { AuditRecord } from '../../src/record.js';
import { type IngestionItem, type IngestionServer, startIngestionServer } from '../support/ingestion-server.js';
import { hashOf, recordOf } from './azure/audit-records.js';

let server: IngestionServer;

before(async () => {
  server = await startIngestionServer();
});

after(() => server.close());

async function envelopesOf(
  over: Partial<AuditRecord> = {},
  options: Partial<AzureExporterOptions> = {},
): Promise<readonly IngestionItem[]> {
  const from = server.items.length;
  const exporter = createAzureExporter({ connectionString: server.connectionString, ...options });
  const [acknowledgement] = await exporter.export([recordOf(0, over)], AbortSignal.timeout(10_000));
  await exporter.shutdown();
  assert.deepEqual(acknowledgement, { status: 'delivered' });
  return server.items.slice(from);
}

async function envelopeOf(over: Partial<AuditRecord> = {}, options: Partial<AzureExporterOptions> = {}): Promise<IngestionItem> {
  const [item, ...more] = await envelopesOf(over, options);
  assert.deepEqual(more, []);
  assert.ok(item !== undefined);
  return item;
}

function propertiesOf(item: IngestionItem | undefined): Readonly<Record<string, string>> {
  return item?.data.baseData.properties ?? {};
}

test('makes a custom event of the record, named by its kind', async () => {
  for (const kind of ['http', 'event', 'change', 'amendment', 'loss', 'lifecycle'] as const) {
    const item = await envelopeOf({ kind });
    assert.equal(item.data.baseType, 'EventData');
    assert.equal(item.data.baseData.name, `audit.${kind}`);
  }
});

test('links the event to its trace and names the operation', async () => {
  const { tags } = await envelopeOf();
  assert.equal(tags['ai.operation.id'], '2588ef2115f07741a5bc572b5074f9c0');
  assert.equal(tags['ai.operation.parentId'], '25d5b885908e4795');
  assert.equal(tags['ai.operation.name'], 'POST /api/orders');
});

test('names the service as role, instance and version', async () => {
  const { tags } = await envelopeOf();
  assert.equal(tags['ai.cloud.role'], 'orders');
  assert.equal(tags['ai.cloud.roleInstance'], 'i-1');
  assert.equal(tags['ai.application.ver'], '1.2.3');
});

test('has all values under audit.* only, identity before bodies', async () => {
  const names = Object.keys(propertiesOf(await envelopeOf()));
  assert.deepEqual(
    names.filter((name) => !name.startsWith('audit.')),
    [],
  );
  assert.equal(names[1], 'audit.record.id');
  assert.ok(names.indexOf('audit.actor.id') < names.indexOf('audit.request.body'));
  assert.equal(names.at(-1), 'audit.response.body');
});

test('has durations and sizes as measurements too', async () => {
  const { measurements } = (await envelopeOf()).data.baseData;
  assert.deepEqual(measurements, { 'audit.duration_ms': 12.25, 'audit.request.body_size': 40, 'audit.response.body_size': 9 });
});

test('sends neither client address nor user as a tag unless told to', async () => {
  const silent = await envelopeOf();
  assert.equal(silent.tags['ai.location.ip'], undefined);
  assert.equal(silent.tags['ai.user.authUserId'], undefined);
  const open = await envelopeOf({}, { clientAddressTag: true, userTag: true });
  assert.equal(open.tags['ai.location.ip'], '198.51.100.9');
  assert.equal(open.tags['ai.user.authUserId'], 'alice');
});

test('keeps the time to the millisecond', async () => {
  for (const millis of ['000', '001', '123', '499', '500', '999']) {
    const time = `2026-11-22T11:34:04.${millis}Z`;
    assert.equal((await envelopeOf({ time })).time, time);
  }
});

test('gives way to the observed time when the time is absurd, and keeps what the record says', async () => {
  for (const time of ['yesterday', '+275760-09-13T00:00:00.000Z', '']) {
    const item = await envelopeOf({ time, observedTime: '2026-11-22T11:34:04.645Z' });
    assert.equal(item.time, '2026-11-22T11:34:04.645Z');
    assert.equal(propertiesOf(item)['audit.time'], time);
  }
  assert.equal((await envelopeOf({ time: 'never', observedTime: 'never' })).time, '2000-01-01T00:00:00.000Z');
});

test('puts a body of 10,000 bytes into numbered parts that make valid JSON again', async () => {
  const body = JSON.stringify({ text: '漢字"'.repeat(1200) });
  const properties = propertiesOf(await envelopeOf({ request: { id: 'r', method: 'POST', body, bodyFormat: 'json' } }));
  const pieces = [properties['audit.request.body'], properties['audit.request.body_2']];
  assert.ok(pieces.every((piece) => piece !== undefined && Buffer.byteLength(piece) <= 8192 && !piece.includes('\ufffd')));
  assert.equal(pieces.join(''), body);
  assert.doesNotThrow(() => JSON.parse(pieces.join('')));
});

test('moves what does not fit into one item to part events that refer to the record', async () => {
  const body = '"'.repeat(150_000);
  const record = recordOf(0, { request: { id: 'r', body, bodyFormat: 'text' }, response: { body: 'short', bodyFormat: 'text' } });
  const items = await envelopesOf(record);
  assert.ok(items.length > 2);
  assert.ok(items.every((item) => Buffer.byteLength(JSON.stringify(item)) < 60_000));
  const [own, ...parts] = items;
  assert.equal(propertiesOf(own)['audit.response.body'], 'short');
  assert.equal(propertiesOf(own)['audit.parts'], String(parts.length));
  for (const [index, part] of parts.entries()) {
    assert.equal(part.data.baseData.name, 'audit.part');
    assert.equal(propertiesOf(part)['audit.refers_to'], record.id);
    assert.equal(propertiesOf(part)['audit.part.number'], String(index + 1));
    assert.equal(part.tags['ai.operation.id'], own?.tags['ai.operation.id']);
  }
  const shuffled = [...parts].reverse();
  const { records } = recordsFromEnvelopes([...shuffled, ...items]);
  assert.equal(records[0]?.request?.body, body);
});

test('brings empty members back, however little room the bodies leave', () => {
  const response = { body: 'x'.repeat(6 * 8192) };
  for (let length = 4000; length < 6000; length += 20) {
    const record = recordOf(0, { tenant: {}, client: { geo: {} }, request: { id: 'r', body: 'x'.repeat(length) }, response });
    const envelopes = eventsOf(record, { clientAddress: false, user: false }).map(({ convertible, properties }) => ({
      data: { baseData: { name: String(convertible.attributes['microsoft.custom_event.name']), properties: JSON.parse(properties) } },
    }));
    assert.deepEqual(recordsFromEnvelopes(envelopes).records, [record], String(length));
  }
});

test('calls a record incomplete while one of its part events is missing', async () => {
  const items = await envelopesOf({ request: { id: 'r', body: 'x'.repeat(150_000) } });
  assert.deepEqual(recordsFromEnvelopes(items.slice(0, -1)), { records: [], incomplete: ['0193-0'] });
});

test('rebuilds a record once, however often a retry has sent it, and passes over other telemetry', async () => {
  const item = await envelopeOf();
  const other = { data: { baseData: { name: 'checkout', properties: { 'audit.record.id': 'x' } } } };
  const { records } = recordsFromEnvelopes([item, other, item]);
  assert.equal(records.length, 1);
});

test('shows by the hash that an envelope was altered', async () => {
  const item = await envelopeOf();
  const properties = { ...propertiesOf(item), 'audit.actor.id': 'mallory' };
  const [record] = recordsFromEnvelopes([{ data: { baseData: { ...item.data.baseData, properties } } }]).records;
  assert.ok(record !== undefined);
  assert.notEqual(hashOf(record), record.integrity?.hash);
});

test('makes rows of requests too when asked to, with the same dimensions and tags but the bodies', async () => {
  const [event, request, ...more] = await envelopesOf({}, { signals: ['events', 'requests'] });
  assert.deepEqual(more, []);
  assert.equal(request?.data.baseType, 'RequestData');
  const { name, responseCode, success, duration, url, id } = (request?.data.baseData ?? {}) as Readonly<Record<string, unknown>>;
  assert.deepEqual(
    { name, responseCode, success, duration, url, id },
    {
      name: 'POST /api/orders',
      responseCode: '201',
      success: true,
      duration: '00:00:00.01225',
      url: '/api/orders',
      id: '25d5b885908e4795',
    },
  );
  const { 'audit.request.body': _, 'audit.response.body': __, ...dimensions } = propertiesOf(event);
  assert.deepEqual(propertiesOf(request), dimensions);
  const { 'ai.operation.parentId': parent, ...tags } = event?.tags ?? {};
  assert.equal(parent, id);
  assert.deepEqual(request?.tags, tags);
  assert.equal(request?.time, event?.time);
});

test('makes no request of what is none, and tells a failed one from a good one', async () => {
  const signals = { signals: ['events', 'requests'] as const };
  for (const over of [{ kind: 'event' }, { kind: 'amendment' }, { phase: 'start' }] as const) {
    assert.equal((await envelopesOf(over, signals)).length, 1, JSON.stringify(over));
  }
  for (const [outcome, success] of [
    ['failure', false],
    ['aborted', false],
    ['success', true],
  ] as const) {
    const [, request] = await envelopesOf({ outcome }, signals);
    assert.equal(Object(request?.data.baseData)['success'], success, outcome);
  }
});

test('reads records from the events alone, requests of ours and of others passed over', async () => {
  const items = await envelopesOf({}, { signals: ['events', 'requests'] });
  assert.deepEqual(recordsFromEnvelopes([...items].reverse()), { records: [recordOf(0)], incomplete: [] });
});

test('puts the user and the address into the tags of a request only when told to', async () => {
  const [, without] = await envelopesOf({}, { signals: ['events', 'requests'] });
  assert.deepEqual([without?.tags['ai.user.authUserId'], without?.tags['ai.location.ip']], [undefined, undefined]);
  const [, allowed] = await envelopesOf({}, { signals: ['events', 'requests'], userTag: true, clientAddressTag: true });
  assert.deepEqual([allowed?.tags['ai.user.authUserId'], allowed?.tags['ai.location.ip']], ['alice', '198.51.100.9']);
});

test('keeps a request below the limit of an item, whatever is in it', async () => {
  const text = 'é'.repeat(1000);
  const metadata = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`m${index}`, text]));
  const items = await envelopesOf(
    { request: { id: 'r', method: 'GET', path: `/${text}`, route: `/${text}` }, metadata },
    { signals: ['events', 'requests'] },
  );
  assert.ok(items.length > 2);
  for (const item of items) assert.ok(Buffer.byteLength(JSON.stringify(item)) < 60_000);
});

test('offers a record again whose request is refused, though its event is stored', async () => {
  const exporter = createAzureExporter({ connectionString: server.connectionString, signals: ['events', 'requests'] });
  server.behaviours.push({ kind: 'accept' }, { kind: 'items', errors: { 1: { status: 429, message: 'Too many requests' } } });
  const acknowledgements = await exporter.export([recordOf(0), recordOf(1, { kind: 'event' }), recordOf(2)], AbortSignal.timeout(10_000));
  await exporter.shutdown();
  assert.deepEqual(
    acknowledgements.map(({ status }) => status),
    ['delivered', 'delivered', 'retry'],
  );
});
