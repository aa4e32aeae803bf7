import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Deliverer } from '../../../src/delivery/deliverer.js';
import type { Progress } from '../../../src/delivery/messages.js';
import { DEFAULT_TIMING, type DeliveryTiming } from '../../../src/delivery/timing.js';
import { openJournal } from '../../support/journals.js';
import { scriptExporter } from '../../support/scripted-exporter.js';
import { makeRecord, makeSizedRecord } from '../../support/sized-records.js';
import { makeDirectory, until } from '../../support/waiting.js';

/** On a busy machine a write may take over 20 ms, after which the journal writes asynchronously: within one tick, not at all. */
const STILL = { nowMs: () => Date.now(), monotonicMs: () => 0 };

function follow(t: TestContext, timing: Partial<DeliveryTiming>) {
  const { journal, notes } = openJournal(t, { directory: makeDirectory(), clock: STILL });
  const exporter = scriptExporter();
  let latest: Progress | undefined;
  const deliverer = new Deliverer({
    exporter: 'scripted',
    create: async () => exporter,
    warn: () => undefined,
    onProgress: (progress) => {
      latest = progress;
    },
    onCreated: () => undefined,
    timing: { pollMs: 1, ...timing },
  });
  deliverer.addStream({ stream: journal.position.stream, directory: journal.directory, tip: journal.tip.buffer });
  t.after(() => deliverer.stop());
  const settled = (seq: number) => until(`record ${seq} is settled`, () => latest?.cursor.seq === seq, 60_000);
  return { journal, notes, exporter, deliverer, settled };
}

test('the numbers are those of the design: a first batch within 1 s, calls of 10 s', () => {
  const { lingerMs, pollMs, exportDeadlineMs } = DEFAULT_TIMING;
  assert.ok(lingerMs + pollMs <= 1000);
  assert.equal(exportDeadlineMs, 10_000);
});

test('a batch is full by its bytes as well', async (t) => {
  const { journal, exporter, deliverer, settled } = follow(t, { lingerMs: 0, bytes: 20_000 });
  // Lines of some 4.4 KB: the fifth is the one that reaches 20,000 bytes.
  for (let nth = 0; nth < 12; nth += 1) journal.append(makeSizedRecord(5000));
  journal.flushSync();
  deliverer.start();
  await settled(12);
  assert.deepEqual(
    exporter.calls.map(({ length }) => length),
    [5, 5, 2],
  );
});

test('a record waits for company until it is old enough, and not at all once a batch is full', async (t) => {
  // A day: nothing here may happen by age.
  const { journal, exporter, deliverer, settled } = follow(t, { lingerMs: 86_400_000, count: 5 });
  deliverer.start();
  for (let nth = 0; nth < 4; nth += 1) journal.append(makeRecord());
  journal.flushSync();
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.deepEqual(exporter.calls, []);
  journal.append(makeRecord());
  journal.flushSync();
  await settled(5);
  assert.deepEqual(exporter.calls, [[1, 2, 3, 4, 5]]);
});

test('10,000 records of one tick arrive, each once, in order', async (t) => {
  const { journal, notes, exporter, deliverer, settled } = follow(t, {});
  deliverer.start();
  for (let nth = 0; nth < 10_000; nth += 1) journal.append(makeRecord());
  await settled(10_000);
  assert.deepEqual(
    exporter.calls.flat(),
    Array.from({ length: 10_000 }, (_, nth) => nth + 1),
  );
  assert.deepEqual(notes.dropped, {});
  assert.ok(exporter.calls.every(({ length }) => length <= DEFAULT_TIMING.count));
});
