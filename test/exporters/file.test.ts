/** The file exporter: the contract, the trail that delivery leaves, and how a name becomes an exporter. */

import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createFileExporter } from '../../exporters/file/index.js';
import { createExporterByName, EXPORTERS, runsOn } from '../../exporters/index.js';
import { canonicalize } from '../../src/canonical.js';
import { startDelivery } from '../../src/delivery/delivery.js';
import type { AuditExporter } from '../../src/exporter.js';
import { segmentPath } from '../../src/journal/layout.js';
import { JournalReader, START } from '../../src/journal/reader.js';
import type { JournalledRecord } from '../../src/record.js';
import { exporterContract } from '../../src/testing/exporter-contract.js';
import { makeConfig } from '../support/config.js';
import { MANIFEST, openJournal, readRecords } from '../support/journals.js';
import { makeRecord } from '../support/sized-records.js';
import { held, makeDirectory } from '../support/waiting.js';

exporterContract('file', {
  create: async () => {
    const directory = mkdtempSync(join(tmpdir(), 'otel-audit-test-'));
    const trail = new Trail(directory);
    return {
      exporter: trail.journalling(createFileExporter({ directory })),
      read: () => trail.read(),
      close: async () => rmSync(directory, { recursive: true }),
    };
  },
  duplicates: 'once',
});

/** Stands in for the journal: a record is in its files before the exporter is asked, and counts as stored once that has answered for it. */
class Trail {
  readonly #directory: string;
  readonly #written = new Set<string>();
  readonly #delivered = new Set<string>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  journalling(exporter: AuditExporter): AuditExporter {
    return {
      ...exporter,
      export: async (records, signal) => {
        for (const record of records) this.#append(record);
        const answers = await exporter.export(records, signal);
        records.forEach(({ id }, index) => {
          if (answers[index]?.status === 'delivered') this.#delivered.add(id);
        });
        return answers;
      },
    };
  }

  /** As delivery reads: what is damaged or out of the chain is not given. */
  async read(): Promise<readonly JournalledRecord[]> {
    const records: JournalledRecord[] = [];
    for (const stream of new Set([...this.#written].map((path) => dirname(path)))) {
      const directory = join(this.#directory, stream);
      const reader = new JournalReader({ directory, quarantineFile: join(directory, 'quarantine'), onDamage: () => {} });
      for (let from = START, isMore = true; isMore; ) {
        const batch = await reader.read(from, 100, 1e6);
        records.push(...batch.entries.map(({ line }) => line.record));
        from = batch.end;
        isMore = batch.isMore;
      }
      await reader.close();
    }
    return records.filter(({ id }) => this.#delivered.has(id));
  }

  #append(record: JournalledRecord): void {
    const { stream } = record.integrity;
    const key = join(stream, record.id);
    if (this.#written.has(key)) return;
    this.#written.add(key);
    mkdirSync(join(this.#directory, stream), { recursive: true });
    appendFileSync(segmentPath(join(this.#directory, stream), 1), `${canonicalize(record)}\n`);
  }
}

function fill(t: TestContext, count: number) {
  const directory = makeDirectory();
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
  const directory = makeDirectory();
  const { journal } = openJournal(t, { directory, keep: true, segmentBytes: 5000 });
  const config = makeConfig({ exporters: ['file'], file: { ...makeConfig().file, directory } });
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

test('a name is a built-in, a path or a package; anything else is a fault that says so', async () => {
  const config = makeConfig({ file: { ...makeConfig().file, directory: makeDirectory() } });
  for (const name of Object.keys(EXPORTERS)) assert.match(runsOn(name), /^(worker|main)$/);
  assert.equal((await createExporterByName('file', config)).name, 'file');
  await assert.rejects(createExporterByName('./absent.js', config), {
    code: 'ERR_AUDIT_EXPORTER',
    message: /\.\/absent\.js cannot be loaded/,
  });
  await assert.rejects(createExporterByName('toString', config), { code: 'ERR_AUDIT_EXPORTER' });
  await assert.rejects(createExporterByName('uuid', config), { code: 'ERR_AUDIT_EXPORTER', message: /exports no function createExporter/ });
});
