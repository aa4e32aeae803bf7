/** The memory exporter: the contract, and waiting for records. */

import assert from 'node:assert/strict';
import http from 'node:http';
import { describe, it } from 'node:test';
import { createMemoryExporter } from '../../exporters/memory/index.js';
import { startAudit } from '../../src/index.js';
import { exporterContract } from '../../src/testing/exporter-contract.js';
import { exampleRecords } from '../../src/testing/records.js';
import { listen, send } from '../support/audited-server.js';
import { makeDirectory } from '../support/waiting.js';

exporterContract('memory', {
  create: async () => {
    const exporter = createMemoryExporter();
    return { exporter, read: async () => exporter.records };
  },
  duplicates: 'once',
});

describe('memory', () => {
  it('gets the records of a service that gives it to startAudit', async (t) => {
    const exporter = createMemoryExporter();
    const audit = startAudit({ exporters: [exporter], settings: { JOURNAL_DIR: makeDirectory() } });
    const { url, close } = await listen(http.createServer((_request, response) => response.writeHead(201).end()));
    t.after(close);
    t.after(() => audit.shutdown());
    await send(`${url}/api/orders`, { method: 'POST' });
    const [, record] = await exporter.waitFor(2);
    assert.equal(record?.action, 'order.created');
  });

  const never = new AbortController().signal;

  it('answers a wait as soon as enough records are there', async () => {
    const exporter = createMemoryExporter();
    const [first, second] = exampleRecords(2);
    assert.ok(first && second);
    const waiting = exporter.waitFor(2);
    await exporter.export([first], never);
    await exporter.export([second], never);
    assert.deepEqual(await waiting, [first, second]);
    assert.equal((await exporter.waitFor(1)).length, 2);
  });

  it('answers a wait for a certain record', async () => {
    const exporter = createMemoryExporter();
    const records = exampleRecords(3);
    const waiting = exporter.waitFor((stored) => stored.some(({ integrity }) => integrity.seq === 3));
    await exporter.export(records, never);
    assert.equal((await waiting).length, 3);
  });

  it('says how many records there are when a wait ends in vain', async () => {
    const exporter = createMemoryExporter();
    await exporter.export(exampleRecords(1), never);
    await assert.rejects(exporter.waitFor(2, 20), /waited 20 ms in vain; 1 records are there/);
  });

  it('forgets its records when told to', async () => {
    const exporter = createMemoryExporter();
    await exporter.export(exampleRecords(2), never);
    exporter.clear();
    assert.deepEqual(exporter.records, []);
  });
});
