import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { createFileExporter } from '../../exporters/file/index.js';
import { createExporterByName, EXPORTERS, runsOn } from '../../exporters/index.js';
import { startDelivery } from '../../src/delivery/delivery.js';
import { makeConfig } from '../support/config.js';
import { MANIFEST, openJournal, readRecords } from '../support/journals.js';
import { makeRecord } from '../support/sized-records.js';
import { held, makeDirectory } from '../support/waiting.js';

function fill(t: TestContext, count: number) {
  const directory = makeDirectory(t);
  const { journal } = openJournal(t, { directory, keep: true, segmentBytes: 5000 });
  for (let nth = 0; nth < count; nth += 1) {
    journal.append(makeRecord());
    journal.flushSync();
  }
  return { directory, journal, records: readRecords(journal.directory), exporter: createFileExporter({ directory }) };
}

const signal = new AbortController().signal;

test('answers delivered for records that are in the trail', async (t) => {
  const { exporter, records } = fill(t, 20);
  assert.deepEqual(new Set((await exporter.export(records, signal)).map(({ status }) => status)), new Set(['delivered']));
  assert.equal((await exporter.export(records.slice(-1), signal)).length, 1);
  await exporter.shutdown();
});

test('answers retry when the trail is gone, and names no content', async (t) => {
  const { exporter, journal, records } = fill(t, 2);
  rmSync(journal.directory, { recursive: true });
  const answers = await exporter.export(records, signal);
  assert.deepEqual(answers, [
    { status: 'retry', reason: 'the trail cannot be synced (ENOENT)' },
    { status: 'retry', reason: 'the trail cannot be synced (ENOENT)' },
  ]);
  mkdirSync(journal.directory);
  assert.equal((await exporter.export(records, signal))[0]?.status, 'retry');
});

test('keeps the whole trail, through delivery, after a clean end', async (t) => {
  const directory = makeDirectory(t);
  const { journal } = openJournal(t, { directory, keep: true, segmentBytes: 5000 });
  const config = makeConfig({ exporters: ['file'], file: { directory } });
  const delivery = startDelivery({ config, journal, manifest: MANIFEST, env: process.env });
  assert.deepEqual(await held(delivery.ready), []);
  for (let nth = 0; nth < 30; nth += 1) {
    journal.append(makeRecord());
    journal.flushSync();
  }
  const { isComplete, counters, settledSeq } = await delivery.shutdown(5000);
  await journal.close(settledSeq);
  assert.deepEqual([isComplete, counters.file?.delivered, readRecords(journal.directory).length], [true, 30, 30]);
});

test('a name is a built-in, a path or a package; anything else is a fault that says so', async (t) => {
  const config = makeConfig({ file: { directory: makeDirectory(t) } });
  for (const name of Object.keys(EXPORTERS)) assert.match(runsOn(name), /^(worker|main)$/);
  assert.equal((await createExporterByName('file', config)).name, 'file');
  await assert.rejects(createExporterByName('./absent.js', config), {
    code: 'ERR_AUDIT_EXPORTER',
    message: /\.\/absent\.js cannot be loaded/,
  });
  await assert.rejects(createExporterByName('toString', config), { code: 'ERR_AUDIT_EXPORTER' });
  await assert.rejects(createExporterByName('uuid', config), { code: 'ERR_AUDIT_EXPORTER', message: /exports no function createExporter/ });
});
