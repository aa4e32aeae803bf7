import assert from 'node:assert/strict';
import { readdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runStatus, type StatusReport } from '../../../src/cli/status.js';
import { FIRST_CURSOR, writeCursor } from '../../../src/delivery/cursor.js';
import { startDelivery } from '../../../src/delivery/delivery.js';
import { takeHostLease } from '../../../src/delivery/host-lease.js';
import { EXTERNAL } from '../../../src/journal/destinations.js';
import { ownIdentity } from '../../../src/journal/process-identity.js';
import { makeConfig } from '../../support/config.js';
import { MANIFEST, openJournal } from '../../support/journals.js';
import { atNextCall, failNext } from '../../support/next-call.js';
import { answerAll, scriptExporter } from '../../support/scripted-exporter.js';
import { makeRecord } from '../../support/sized-records.js';
import { makeDirectory, until } from '../../support/waiting.js';

const EXPORTERS = ['postgres', 'otlp'];

function openStream(t: TestContext, directory: string, records: number, manifest: object = { exporters: EXPORTERS }) {
  const { journal } = openJournal(t, { directory, manifest: { ...MANIFEST, ...manifest } });
  for (let nth = 0; nth < records; nth += 1) journal.append(makeRecord());
  journal.flushSync();
  return journal;
}

async function statusOf(directory: string): Promise<StatusReport> {
  let text = '';
  await runStatus({ directory, exporters: [], json: true, write: (said) => (text += said) });
  return JSON.parse(text) as StatusReport;
}

test('a stream is shown with its exporters from its first moment', async (t) => {
  const directory = makeDirectory();
  openStream(t, directory, 0);
  const { streams } = await statusOf(directory);
  assert.deepEqual(Object.keys(streams[0]?.exporters ?? {}), EXPORTERS);
});

test('also the exporter is shown that had delivered nothing when its process died', async (t) => {
  const directory = makeDirectory();
  const journal = openStream(t, directory, 5);
  await writeCursor(journal.directory, 'otlp', { ...FIRST_CURSOR, offset: 10, seq: 5 });
  await journal.close();
  const { status, reasons, streams } = await statusOf(directory);
  const { postgres, otlp } = streams[0]?.exporters ?? {};
  assert.deepEqual([postgres?.undelivered, otlp?.undelivered], [5, 0]);
  assert.equal(status, 'degraded');
  assert.match(reasons.join(), /nobody delivers/);
});

test('records that went with the end of a file are undelivered before anybody has missed them', async (t) => {
  const directory = makeDirectory();
  const journal = openStream(t, directory, 5);
  await journal.close();
  const [segment = ''] = readdirSync(journal.directory).filter((name) => name.endsWith('.jsonl'));
  const path = join(journal.directory, segment);
  const lines = readFileSync(path, 'utf8').split('\n');
  writeFileSync(path, `${lines.slice(0, 2).join('\n')}\n`);
  const { journalled, undelivered } = (await statusOf(directory)).streams[0]?.exporters['postgres'] ?? {};
  assert.deepEqual([journalled, undelivered], [5, 5]);
});

test('every exporter of a stream is told of the same number of records, also when one passes more while it is looked at', async (t) => {
  const directory = makeDirectory();
  const journal = openStream(t, directory, 3);
  await writeCursor(journal.directory, 'postgres', { ...FIRST_CURSOR, seq: 2 });
  // As if two records had come between the look at the segment and the look at the cursor.
  await writeCursor(journal.directory, 'otlp', { ...FIRST_CURSOR, seq: 5, deadLettered: 1 });
  const { exporters = {} } = (await statusOf(directory)).streams[0] ?? {};
  const counts = Object.values(exporters).map(({ journalled, delivered, undelivered, deadLettered }) => [
    journalled,
    delivered,
    undelivered,
    deadLettered,
  ]);
  assert.deepEqual(counts, [
    [5, 2, 3, 0],
    [5, 4, 0, 1],
  ]);
});

test('what is left to others has the exporters of whoever delivers for the host, from its first moment', async (t) => {
  const directory = makeDirectory();
  const { position } = openStream(t, directory, 2, { destinations: EXTERNAL });
  openStream(t, directory, 0, { exporters: ['otlp'], servesAll: true });
  const lease = await takeHostLease(directory);
  t.after(() => lease?.release());
  const { reasons, streams } = await statusOf(directory);
  const external = streams.find(({ stream }) => stream === position.stream);
  assert.equal(external?.exporters['otlp']?.undelivered, 2);
  assert.doesNotMatch(reasons.join(), /nobody delivers/);
});

test('what is left to others is not well while nobody has ever delivered it', async (t) => {
  const directory = makeDirectory();
  openStream(t, directory, 2, { destinations: EXTERNAL });
  const { status, reasons } = await statusOf(directory);
  assert.equal(status, 'degraded');
  assert.match(reasons.join(), /nobody delivers .*otel-audit deliver --journal/);
});

for (const file of [/manifest\.json$/, /otlp\.latest\.cursor$/]) {
  test(`a stream that cannot be read is not left out: ${file}`, async (t) => {
    const directory = makeDirectory();
    const journal = openStream(t, directory, 1);
    await writeCursor(journal.directory, 'otlp', FIRST_CURSOR);
    failNext(t, 'readFile', file, 'EMFILE');
    const { status, reasons } = await statusOf(directory);
    assert.equal(status, 'failing');
    assert.match(reasons.join(), /unreadable/);
    assert.equal((await statusOf(directory)).streams.length, 1);
  });
}

test('a stream is shown also while its files come and go', async (t) => {
  const directory = makeDirectory();
  const journal = openStream(t, directory, 1);
  writeFileSync(join(journal.directory, 'otlp.cursor.tmp'), '');
  atNextCall(t, 'lstat', /otlp\.cursor\.tmp$/, (call) => {
    unlinkSync(join(journal.directory, 'otlp.cursor.tmp'));
    return call();
  });
  assert.equal((await statusOf(directory)).streams.length, 1);
  atNextCall(t, 'readFile', /lease\.1\.json$/, async (call) => {
    await journal.close(0);
    return await call();
  });
  assert.deepEqual(
    (await statusOf(directory)).streams.map(({ state }) => state),
    ['waiting'],
  );
});

test('what is left of a removed stream is none', async (t) => {
  const directory = makeDirectory();
  const journal = openStream(t, directory, 1);
  await journal.close(0);
  renameSync(journal.directory, join(directory, `.removed-${journal.position.stream}`));
  assert.deepEqual((await statusOf(directory)).streams, []);
});

test('of a stream that was taken over, the state is that of who delivers it now', async (t) => {
  const directory = makeDirectory();
  const dead = openJournal(t, { directory, manifest: { ...MANIFEST, exporters: ['scripted'] }, syncIntervalMs: 1e9 }).journal;
  dead.append(makeRecord());
  dead.flushSync();
  writeFileSync(join(dead.directory, 'lease.1.json'), JSON.stringify({ ...ownIdentity(), startTime: '1' }));
  const old = { retries: 9, breaker: 'open', lastError: 'of yesterday' };
  writeFileSync(join(dead.directory, 'delivery.json'), JSON.stringify({ exporters: { scripted: old } }));
  const { journal } = openJournal(t, { directory, manifest: { ...MANIFEST, exporters: ['scripted'] } });
  const exporter = scriptExporter(...Array.from({ length: 99 }, () => answerAll({ status: 'retry', reason: 'of today' })));
  const delivery = startDelivery({
    config: makeConfig(),
    journal,
    manifest: MANIFEST,
    exporters: [exporter],
    env: {},
    timing: { lingerMs: 1 },
  });
  t.after(() => delivery.shutdown(100));
  let said: readonly (string | undefined)[] = [];
  await until('both say the same', async () => {
    said = (await statusOf(directory)).streams.map(({ exporters }) => exporters['scripted']?.lastError);
    return said.length === 2 && said.every((error) => error === 'of today');
  });
});
