import '../../support/network-guard.js';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type IngestionServer, startIngestionServer } from '../../support/ingestion-server.js';

let server: IngestionServer;

before(async () => {
  server = await startIngestionServer();
});

after(() => server.close());

function item(over: object = {}): object {
  const iKey = '00000000-0000-4000-8000-000000000001';
  const data = { baseType: 'EventData', baseData: { name: 'audit.http', properties: { a: 'b' } } };
  return { name: 'Microsoft.ApplicationInsights.Event', time: '2026-11-22T11:34:04.645Z', iKey, tags: {}, data, ...over };
}

async function send(
  body: string | Buffer,
  headers: Record<string, string> = {},
  path = '/v2.1/track',
): Promise<{ status: number; answer: string }> {
  const response = await fetch(`${server.url}${path}`, { method: 'POST', body, headers });
  return { status: response.status, answer: await response.text() };
}

test('stores what comes as an array, as lines, and compressed', async () => {
  const stored = server.items.length;
  await send(JSON.stringify([item(), item()]));
  await send(`${JSON.stringify(item())}\n${JSON.stringify(item())}\n`);
  await send(gzipSync(JSON.stringify([item()])), { 'content-encoding': 'gzip' });
  assert.equal((await server.waitForItems(stored + 5, 1000)).length, stored + 5);
});

test('answers with the faulty items, and stores the others', async () => {
  const long = { baseType: 'EventData', baseData: { properties: { a: 'x'.repeat(8193) } } };
  const { status, answer } = await send(JSON.stringify([item({ time: 'now' }), item(), item({ data: long }), item({ iKey: 'other' })]));
  assert.equal(status, 206);
  const { itemsReceived, itemsAccepted, errors } = JSON.parse(answer) as {
    itemsReceived: number;
    itemsAccepted: number;
    errors: { index: number }[];
  };
  assert.deepEqual([itemsReceived, itemsAccepted, errors.map((error) => error.index)], [4, 1, [0, 2, 3]]);
});

test('refuses other paths and what is no JSON', async () => {
  assert.equal((await send('[]', {}, '/v3/track')).status, 404);
  assert.equal((await send('{')).status, 400);
});

test('says how many items arrived when too few did', async () => {
  await assert.rejects(server.waitForItems(1_000_000, 10), /of 1000000 items arrived within 10 ms/);
});
