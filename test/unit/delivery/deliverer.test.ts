import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readCursor } from '../../../src/delivery/cursor.js';
import { Deliverer, type DelivererOptions } from '../../../src/delivery/deliverer.js';
import type { Progress } from '../../../src/delivery/messages.js';
import { AuditError } from '../../../src/errors.js';
import type { AuditExporter } from '../../../src/exporter.js';
import { cursorPath } from '../../../src/journal/layout.js';
import { openJournal } from '../../support/journals.js';
import { type Answer, answerAll, answerBySeq, scriptExporter } from '../../support/scripted-exporter.js';
import { makeRecord } from '../../support/sized-records.js';
import { makeDirectory, until } from '../../support/waiting.js';

const QUICK = { lingerMs: 5, pollMs: 2, exportDeadlineMs: 40, graceMs: 40, random: () => 0 };

interface Bench {
  readonly journal: ReturnType<typeof openJournal>['journal'];
  readonly latest: () => Progress | undefined;
  readonly faults: (string | undefined)[];
  readonly deliverer: Deliverer;
  readonly settled: (seq: number) => Promise<void>;
}

/** A journal of `count` records and a deliverer that follows it. */
function deliver(
  t: TestContext,
  count: number,
  exporter: AuditExporter | DelivererOptions['create'],
  changes: Partial<DelivererOptions> = {},
): Bench {
  const { journal } = openJournal(t, { directory: makeDirectory() });
  for (let nth = 0; nth < count; nth += 1) journal.append(makeRecord());
  journal.flushSync();
  let latest: Progress | undefined;
  const faults: (string | undefined)[] = [];
  const deliverer = new Deliverer({
    exporter: 'scripted',
    create: typeof exporter === 'function' ? exporter : async () => exporter,
    warn: () => undefined,
    onProgress: (progress) => {
      latest = progress;
    },
    onCreated: (fault) => faults.push(fault),
    ...changes,
    timing: { ...QUICK, ...changes.timing },
  });
  deliverer.addStream({ stream: journal.position.stream, directory: journal.directory, tip: journal.tip.buffer });
  deliverer.start();
  t.after(() => deliverer.stop());
  const settled = (seq: number) => until(`record ${seq} is settled`, () => latest?.cursor.seq === seq);
  return { journal, latest: () => latest, faults, deliverer, settled };
}

test('delivers in journal order, in batches', async (t) => {
  const exporter = scriptExporter();
  const { settled, latest } = deliver(t, 12, exporter, { timing: { count: 5 } });
  await settled(12);
  assert.deepEqual(exporter.calls, [
    [1, 2, 3, 4, 5],
    [6, 7, 8, 9, 10],
    [11, 12],
  ]);
  assert.deepEqual([latest()?.retries, latest()?.lastError], [0, undefined]);
});

test('offers only what was to be retried again, before anything newer', async (t) => {
  const retry = { status: 'retry', reason: 'busy', afterMs: 1 } as const;
  const exporter = scriptExporter(answerBySeq({ 2: retry, 4: retry }), answerBySeq({ 4: retry }));
  const { settled, latest } = deliver(t, 7, exporter, { timing: { count: 5 } });
  await settled(7);
  assert.deepEqual(exporter.calls, [[1, 2, 3, 4, 5], [2, 4], [4], [6, 7]]);
  assert.equal(latest()?.retries, 2);
});

test('keeps the cursor before the first open record', async (t) => {
  const exporter = scriptExporter(answerBySeq({ 3: { status: 'retry', reason: 'busy', afterMs: 60_000 } }));
  const { journal, latest } = deliver(t, 5, exporter);
  await until('the first answer is in', () => latest()?.ahead.delivered === 2);
  assert.equal((await readCursor(journal.directory, 'scripted')).seq, 2);
  assert.equal(latest()?.lastError, 'busy');
});

test('puts back a cursor that was deleted or changed, also when nothing comes', async (t) => {
  const { journal, settled } = deliver(t, 3, scriptExporter(), { timing: { cursorCheckMs: 10 } });
  await settled(3);
  const path = cursorPath(journal.directory, 'scripted');
  await until('the cursor is there', () => existsSync(path));
  rmSync(path);
  await until('the cursor is there again', () => existsSync(path));
  assert.equal((await readCursor(journal.directory, 'scripted')).seq, 3);
  // As by somebody who took this process for dead, and was slower.
  writeFileSync(path, JSON.stringify({ segment: 1, offset: 0, seq: 0, deadLettered: 0 }));
  await until('the cursor says what was delivered', async () => (await readCursor(journal.directory, 'scripted')).seq === 3);
});

test('puts a rejected record into the dead letters with its reason, and goes on', async (t) => {
  const exporter = scriptExporter(answerBySeq({ 2: { status: 'rejected', reason: 'too long' } }));
  const { journal, settled, latest } = deliver(t, 3, exporter);
  await settled(3);
  assert.equal(latest()?.cursor.deadLettered, 1);
  const path = join(journal.directory, 'dead-letter.scripted.ndjson');
  const letters = readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    letters.map(({ reason, exporter: name, record }) => [reason, name, record.integrity.seq]),
    [['too long', 'scripted', 2]],
  );
});

const refusals: Record<string, Answer> = {
  'a rejected promise': () => Promise.reject(new Error('password=hunter2')),
  'an exception': () => {
    throw new Error('password=hunter2');
  },
  'an array of the wrong length': () => [{ status: 'delivered' }],
  'something that is no array': () => undefined as never,
  'answers that are none': (records) => records.map(() => undefined as never),
};
for (const [name, refusal] of Object.entries(refusals)) {
  test(`counts ${name} as retry for the whole batch`, async (t) => {
    const exporter = scriptExporter(refusal);
    const warnings: string[] = [];
    const { settled, latest } = deliver(t, 3, exporter, { warn: (_, message) => warnings.push(message) });
    await settled(3);
    assert.deepEqual(exporter.calls, [
      [1, 2, 3],
      [1, 2, 3],
    ]);
    assert.equal(latest()?.retries, 1);
    assert.ok(!warnings.join().includes('hunter2') && warnings.length > 0);
  });
}

test('aborts a call at its deadline and offers the batch again', async (t) => {
  const exporter = scriptExporter(
    (_, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  );
  const { settled } = deliver(t, 2, exporter);
  await settled(2);
  assert.deepEqual(exporter.calls, [
    [1, 2],
    [1, 2],
  ]);
});

test('replaces an exporter that ignores its deadline', async (t) => {
  const hanging = scriptExporter(() => new Promise(() => undefined));
  const fresh = scriptExporter();
  const exporters = [hanging, fresh];
  const { settled } = deliver(t, 2, async () => exporters.shift() ?? fresh);
  await settled(2);
  assert.deepEqual([hanging.calls, fresh.calls], [[[1, 2]], [[1, 2]]]);
});

test('never calls an object of the service again before its last call has settled', async (t) => {
  let release: () => void = () => undefined;
  const exporter = scriptExporter(
    (records) =>
      new Promise((resolve) => {
        release = () => resolve(records.map(() => ({ status: 'delivered' })));
      }),
  );
  const { settled, deliverer, latest } = deliver(t, 2, exporter, { isShared: true, timing: { graceMs: 0 } });
  await until('the deadline passes', () => latest()?.lastError === 'no answer within 40 ms');
  deliverer.nudge();
  for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
  assert.equal(exporter.calls.length, 1);
  release();
  await settled(2);
  assert.equal(exporter.calls.length, 1);
});

test('probes with one record after ten failed batches, and opens up again', async (t) => {
  const failures = Array.from({ length: 10 }, () => answerAll({ status: 'retry', reason: 'down', afterMs: 0 }));
  const exporter = scriptExporter(...failures);
  const { settled } = deliver(t, 4, exporter);
  await settled(4);
  assert.deepEqual(exporter.calls.slice(9), [[1, 2, 3, 4], [1], [2, 3, 4]]);
});

test('keeps records while the exporter cannot be created, and says so once', async (t) => {
  const exporter = scriptExporter();
  let attempts = 0;
  const create = async () => {
    attempts += 1;
    if (attempts === 1) throw new AuditError('ERR_AUDIT_EXPORTER', 'no such module');
    return exporter;
  };
  const { settled, faults } = deliver(t, 2, create);
  await settled(2);
  assert.deepEqual(faults, ['no such module']);
});

test('goes on from its cursor after a restart', async (t) => {
  const first = scriptExporter();
  const { journal, settled, deliverer } = deliver(t, 3, first);
  await settled(3);
  await deliverer.stop();
  assert.ok(first.isShutDown);
  journal.append(makeRecord());
  journal.flushSync();
  const second = scriptExporter();
  const next = new Deliverer({
    exporter: 'scripted',
    create: async () => second,
    warn: () => undefined,
    onProgress: () => undefined,
    onCreated: () => undefined,
    timing: QUICK,
  });
  next.addStream({ stream: journal.position.stream, directory: journal.directory, tip: journal.tip.buffer });
  next.start();
  await until('the new record arrives', () => second.calls.length > 0);
  await next.stop();
  assert.deepEqual(second.calls, [[4]]);
});

test('starts over when the cursor is damaged, rather than skip', async (t) => {
  const { journal } = openJournal(t, { directory: makeDirectory() });
  writeFileSync(join(journal.directory, 'scripted.cursor'), '{"segment":1,"offset":');
  assert.equal((await readCursor(journal.directory, 'scripted')).seq, 0);
});

test('finishes a dead stream behind its damage, and counts the damage as dead letters', async (t) => {
  const exporter = scriptExporter();
  const { journal } = openJournal(t, { directory: makeDirectory() });
  for (let nth = 0; nth < 4; nth += 1) journal.append(makeRecord());
  journal.flushSync();
  const path = join(journal.directory, '00000001.jsonl');
  const lines = readFileSync(path, 'utf8').split('\n');
  writeFileSync(path, [lines[0], 'damaged', lines[2], 'damaged too', '{"torn'].join('\n'));
  let latest: Progress | undefined;
  const deliverer = new Deliverer({
    exporter: 'scripted',
    create: async () => exporter,
    warn: () => undefined,
    onProgress: (progress) => {
      latest = progress;
    },
    onCreated: () => undefined,
    timing: QUICK,
  });
  deliverer.addStream({ stream: journal.position.stream, directory: journal.directory });
  deliverer.start();
  await until('it is finished', () => latest?.isFinished === true);
  await deliverer.stop();
  assert.deepEqual(exporter.calls, [[1, 3]]);
  assert.deepEqual([latest?.cursor.seq, latest?.cursor.deadLettered], [4, 2]);
  assert.ok(existsSync(join(journal.directory, 'quarantine.scripted.txt')));
});
