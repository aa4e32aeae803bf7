import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startDelivery } from '../../../src/delivery/delivery.js';
import type { Delivery, DeliveryOptions, UncleanStream } from '../../../src/delivery/delivery-contract.js';
import type { AuditExporter } from '../../../src/exporter.js';
import type { JournalOptions } from '../../../src/journal/journal-contract.js';
import { ownIdentity } from '../../../src/journal/process-identity.js';
import { makeConfig } from '../../support/config.js';
import { MANIFEST, openJournal } from '../../support/journals.js';
import { answerAll, scriptExporter } from '../../support/scripted-exporter.js';
import { makeRecord } from '../../support/sized-records.js';
import { held, makeDirectory, until } from '../../support/waiting.js';

const TIMING = { lingerMs: 5, pollMs: 5 };

/** A module whose `export` is `body`, with `seqs` (numbers), `file` (to append them to) and `marker` (a path of its own). */
function writeModule(directory: string, name: string, body: string): string {
  const path = join(directory, `${name}.cjs`);
  writeFileSync(
    path,
    `const fs = require('node:fs');
     const file = ${JSON.stringify(`${path}.seqs`)}, marker = ${JSON.stringify(`${path}.marker`)};
     exports.createExporter = () => ({
       name: 'x',
       async export(records, signal) {
         const seqs = records.map((record) => record.integrity.seq);
         ${body}
         fs.appendFileSync(file, seqs.map((seq) => seq + '\\n').join(''));
         return records.map(() => ({ status: 'delivered' }));
       },
       async shutdown() { fs.writeFileSync(file + '.closed', JSON.stringify({ marker: process.env.OTEL_AUDIT_WORKER, options: process.env.NODE_OPTIONS })); },
     });`,
  );
  return path;
}

const seqsOf = (module: string) =>
  existsSync(`${module}.seqs`) ? readFileSync(`${module}.seqs`, 'utf8').trim().split('\n').map(Number) : [];
const upTo = (count: number) => Array.from({ length: count }, (_, nth) => nth + 1);

interface Changes {
  readonly modules?: readonly string[];
  readonly exporters?: readonly AuditExporter[];
  readonly worker?: 'thread' | 'off';
  readonly journal?: Partial<JournalOptions>;
  readonly options?: Partial<DeliveryOptions>;
  readonly directory?: string;
}

function start(t: TestContext, changes: Changes) {
  const directory = changes.directory ?? makeDirectory();
  const { journal, notes } = openJournal(t, { directory, ...changes.journal });
  const config = makeConfig({
    exporters: changes.modules ?? [],
    delivery: { worker: changes.worker ?? 'thread', shutdownTimeoutMs: 5000, confirmTimeoutMs: 1000 },
  });
  const warnings: string[] = [];
  const delivery: Delivery = startDelivery({
    config,
    journal,
    manifest: MANIFEST,
    exporters: changes.exporters ?? [],
    env: { ...process.env, NODE_OPTIONS: '--require /does/not/exist.js' },
    timing: TIMING,
    onWarning: (message) => warnings.push(message),
    ...changes.options,
  });
  t.after(() => delivery.shutdown(1000));
  const append = (count: number) => {
    for (let nth = 0; nth < count; nth += 1) journal.append(makeRecord());
  };
  return { directory, journal, notes, delivery, warnings, append };
}

function assertBalanced(delivery: Delivery, journalled: number): void {
  for (const [name, { delivered, undelivered, deadLettered }] of Object.entries(delivery.counters())) {
    assert.equal(delivered + undelivered + deadLettered, journalled, name);
  }
}

for (const worker of ['thread', 'off'] as const) {
  test(`delivers ${worker === 'thread' ? 'in a worker' : 'on the main thread'}, flushes, counts and closes`, async (t) => {
    const module = writeModule(makeDirectory(), 'sink', '');
    const { delivery, journal, append } = start(t, { modules: [module], worker });
    assert.deepEqual(await held(delivery.ready), []);
    append(1200);
    const { isComplete, counters } = await delivery.flush(5000);
    assert.ok(isComplete);
    assert.deepEqual(counters[module], {
      delivered: 1200,
      undelivered: 0,
      deadLettered: 0,
      retries: 0,
      breaker: 'closed',
      oldestUndeliveredAgeMs: 0,
      lastError: undefined,
    });
    const { settledSeq } = await delivery.shutdown(5000);
    await journal.close(settledSeq);
    assert.deepEqual(seqsOf(module), upTo(1200));
    assert.ok(!existsSync(journal.directory));
    const seen = JSON.parse(readFileSync(`${module}.seqs.closed`, 'utf8'));
    if (worker === 'thread') assert.deepEqual(seen, { marker: '1', options: '' });
    else assert.equal(seen.marker, undefined);
  });
}

test('an exporter that is down delays no other, and keeps its records', async (t) => {
  const [up, down] = [
    scriptExporter(),
    scriptExporter(...Array.from({ length: 99 }, () => answerAll({ status: 'retry', reason: 'down' }))),
  ];
  const { delivery, append } = start(t, { exporters: [up, { ...down, name: 'down' }] });
  append(50);
  const started = performance.now();
  const { isComplete, counters } = await delivery.flush(300);
  assert.ok(!isComplete && performance.now() - started < 1000);
  assert.deepEqual([counters.scripted?.delivered, counters.down?.undelivered, counters.down?.lastError], [50, 50, 'down']);
  assertBalanced(delivery, 50);
});

test('a flush ends at its deadline when an exporter hangs', async (t) => {
  const hanging = scriptExporter(() => new Promise(() => undefined));
  const { delivery, append } = start(t, { exporters: [hanging] });
  append(1);
  const started = performance.now();
  const { isComplete } = await delivery.flush(100);
  const tookMs = performance.now() - started;
  assert.ok(!isComplete && tookMs >= 95 && tookMs < 1000, `${tookMs} ms`);
});

test('starts the worker again when it dies, and delivers what waited', async (t) => {
  const module = writeModule(makeDirectory(), 'dying', "if (!fs.existsSync(marker)) { fs.writeFileSync(marker, ''); process.exit(1); }");
  const { delivery, append, warnings } = start(t, { modules: [module] });
  append(20);
  const { isComplete } = await delivery.flush(5000);
  assert.ok(isComplete);
  assert.deepEqual(seqsOf(module), upTo(20));
  assert.ok(warnings.some((warning) => warning.includes('worker is gone')));
  assertBalanced(delivery, 20);
});

test('starts the worker again when an exporter throws outside its call', async (t) => {
  const body =
    "if (!fs.existsSync(marker)) { fs.writeFileSync(marker, ''); setImmediate(() => { throw new Error('late'); }); await new Promise(() => {}); }";
  const module = writeModule(makeDirectory(), 'throwing', body);
  const { delivery, append } = start(t, { modules: [module] });
  append(20);
  assert.ok((await delivery.flush(5000)).isComplete);
  assert.deepEqual(seqsOf(module), upTo(20));
});

test('tells at start which exporters cannot be created, without the others', async (t) => {
  const directory = makeDirectory();
  const good = writeModule(directory, 'good', '');
  const bad = join(directory, 'absent.cjs');
  const { delivery, append } = start(t, { modules: [good, bad] });
  const faults = await held(delivery.ready);
  assert.deepEqual(
    faults.map(({ exporter }) => exporter),
    [bad],
  );
  assert.match(faults[0]?.fault ?? '', /AUDIT_EXPORTER.*cannot be loaded/);
  append(3);
  await until('the good one delivers', () => seqsOf(good).length === 3);
  assertBalanced(delivery, 3);
});

test('deletes segments that every exporter has passed, and none that one still needs', async (t) => {
  const blocked = scriptExporter(() => new Promise(() => undefined));
  const { delivery, journal, append } = start(t, {
    exporters: [scriptExporter(), { ...blocked, name: 'blocked' }],
    journal: { segmentBytes: 10_000 },
  });
  for (let nth = 0; nth < 40; nth += 1) {
    append(1);
    journal.flushSync();
  }
  await until('one is through', () => delivery.counters().scripted?.delivered === 40);
  assert.ok(existsSync(join(journal.directory, '00000001.jsonl')));
  const alone = start(t, { exporters: [scriptExporter()], journal: { segmentBytes: 10_000 } });
  for (let nth = 0; nth < 40; nth += 1) {
    alone.append(1);
    alone.journal.flushSync();
  }
  await until('the first is deleted', () => !existsSync(join(alone.journal.directory, '00000001.jsonl')));
  assert.ok((await alone.delivery.flush(2000)).isComplete);
});

test('adopts the stream of a dead process, delivers it, removes it, and says that it ended uncleanly', async (t) => {
  const directory = makeDirectory();
  const dead = openJournal(t, { directory }).journal;
  for (let nth = 0; nth < 7; nth += 1) dead.append(makeRecord());
  dead.flushSync();
  writeFileSync(join(dead.directory, 'lease.1.json'), JSON.stringify({ ...ownIdentity(), startTime: '1' }));
  const unclean: UncleanStream[] = [];
  const exporter = scriptExporter();
  const { delivery, append } = start(t, {
    directory,
    exporters: [exporter],
    options: { onUncleanStream: (stream) => unclean.push(stream) },
  });
  append(2);
  await until('the old stream is gone', () => !existsSync(dead.directory));
  await delivery.flush(2000);
  assert.deepEqual(unclean, [{ stream: dead.position.stream, service: MANIFEST.service, lastSeq: 7, lastTime: makeRecord().observedTime }]);
  assert.equal(exporter.calls.flat().length, 9);
  assertBalanced(delivery, 9);
});

test('leaves what it cannot deliver for the next process, and that delivers it once', async (t) => {
  const directory = makeDirectory();
  const refusing = scriptExporter(...Array.from({ length: 99 }, () => answerAll({ status: 'retry', reason: 'down' })));
  const first = start(t, { directory, exporters: [refusing] });
  first.append(5);
  const { isComplete, settledSeq } = await first.delivery.shutdown(300);
  await first.journal.close(settledSeq);
  assert.deepEqual([isComplete, settledSeq], [false, 0]);
  const exporter = scriptExporter();
  const second = start(t, { directory, exporters: [exporter] });
  await until('the rest arrives', () => !existsSync(first.journal.directory));
  assert.deepEqual(exporter.calls.flat(), upTo(5));
  assertBalanced(second.delivery, 5);
});

test('shutdown is idempotent and does nothing twice', async (t) => {
  const exporter = scriptExporter();
  const { delivery, append } = start(t, { exporters: [exporter] });
  append(1);
  const [one, two] = await Promise.all([delivery.shutdown(2000), delivery.shutdown(2000)]);
  assert.equal(one, two);
  assert.ok(exporter.isShutDown);
});

test('becomes ready with a fault when the worker cannot start', async (t) => {
  const module = writeModule(makeDirectory(), 'fatal', '');
  writeFileSync(module, 'process.exit(3)');
  const { delivery } = start(t, { modules: [module] });
  assert.deepEqual(await held(delivery.ready), [{ exporter: module, fault: 'the delivery worker did not start' }]);
});

test('callbacks that throw harm neither journal nor delivery', async (t) => {
  const fail = () => {
    throw new Error('a defect elsewhere');
  };
  const directory = makeDirectory();
  const dead = openJournal(t, { directory }).journal;
  writeFileSync(join(dead.directory, 'lease.1.json'), JSON.stringify({ ...ownIdentity(), startTime: '1' }));
  const exporter = scriptExporter(answerAll({ status: 'retry', reason: 'down', afterMs: 0 }));
  const { delivery, append } = start(t, {
    directory,
    exporters: [exporter],
    journal: { onWritten: fail, onWarning: fail },
    options: { onWarning: fail, onUncleanStream: fail },
  });
  append(3);
  await until('the old stream is gone', () => !existsSync(dead.directory));
  assert.ok((await delivery.flush(3000)).isComplete);
  assert.deepEqual(exporter.calls.at(-1), [1, 2, 3]);
});
