import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readDeadLetters } from '../../../src/delivery/dead-letter.js';
import { Deliverer } from '../../../src/delivery/deliverer.js';
import type { Progress } from '../../../src/delivery/messages.js';
import { type AuditExporter, allDelivered, allRetry } from '../../../src/exporter.js';
import type { JournalledRecord } from '../../../src/record.js';
import { openJournal } from '../../support/journals.js';
import { makeRecord } from '../../support/sized-records.js';
import { makeDirectory, until } from '../../support/waiting.js';

const upTo = (count: number) => Array.from({ length: count }, (_, nth) => nth + 1);

/** A sink that answers a batch as `answer` says, and notes what it took. */
function sinkOf(answer: (seqs: readonly number[]) => Awaited<ReturnType<AuditExporter['export']>> | undefined) {
  const taken: number[] = [];
  const calls: number[][] = [];
  const exporter: AuditExporter = {
    name: 'sink',
    async export(records: readonly JournalledRecord[]) {
      const seqs = records.map(({ integrity }) => integrity.seq);
      calls.push(seqs);
      const answers = answer(seqs);
      if (answers === undefined) taken.push(...seqs);
      return answers ?? allDelivered(records.length);
    },
    shutdown: async () => undefined,
  };
  return { exporter, taken, calls };
}

function deliver(t: TestContext, count: number, exporter: AuditExporter) {
  const { journal } = openJournal(t, { directory: makeDirectory() });
  const append = (more: number) => {
    for (let nth = 0; nth < more; nth += 1) journal.append(makeRecord());
    journal.flushSync();
  };
  append(count);
  let latest: Progress | undefined;
  const deliverer = new Deliverer({
    exporter: 'sink',
    create: async () => exporter,
    warn: () => undefined,
    onProgress: (progress) => {
      latest = progress;
    },
    onCreated: () => undefined,
    timing: { lingerMs: 0, pollMs: 1, count: 32 },
  });
  deliverer.addStream({ stream: journal.position.stream, directory: journal.directory, tip: journal.tip.buffer });
  deliverer.start();
  t.after(() => deliverer.stop());
  /** A nudge skips the backoff. */
  const untilNudged = (what: string, condition: () => boolean) =>
    until(
      what,
      () => {
        deliverer.nudge();
        return condition();
      },
      60_000,
    );
  const letters = async () =>
    (await readDeadLetters(join(journal.directory, 'dead-letter.sink.ndjson'))).open.map(({ record, reason }) => ({
      seq: record.integrity.seq,
      reason,
    }));
  return { append, latest: () => latest, untilNudged, letters };
}

const refusals = {
  'answers retry for': (count: number) => allRetry(count, 'bad batch'),
  'throws because of': () => {
    throw new TypeError('one of these');
  },
};
for (const [how, refuse] of Object.entries(refusals)) {
  test(`finds the records that a sink ${how} whole batches, and buries only them`, async (t) => {
    const poison = [1, 17, 18, 40];
    const { exporter, taken } = sinkOf((seqs) => (seqs.some((seq) => poison.includes(seq)) ? refuse(seqs.length) : undefined));
    const { append, latest, untilNudged, letters } = deliver(t, 60, exporter);
    await untilNudged('all is settled', () => {
      // A service goes on: when only the culprit is left, what comes next is its witness.
      append(1);
      return (latest()?.cursor.seq ?? 0) >= 60;
    });
    assert.deepEqual(
      taken.filter((seq) => seq <= 60).sort((a, b) => a - b),
      upTo(60).filter((seq) => !poison.includes(seq)),
    );
    const buried = await letters();
    assert.deepEqual(
      buried.map(({ seq }) => seq).sort((a, b) => a - b),
      poison,
    );
    assert.match(buried[0]?.reason ?? '', /refused alone 5 times while other records were taken: (?:bad batch|TypeError)/);
    assert.equal(latest()?.cursor.deadLettered, poison.length);
  });
}

test('waits for a witness before it buries the only record there is', async (t) => {
  const { exporter, calls } = sinkOf((seqs) => (seqs.includes(1) ? allRetry(seqs.length, 'bad') : undefined));
  const { append, latest, untilNudged, letters } = deliver(t, 1, exporter);
  await untilNudged('it has been offered often', () => calls.length > 20);
  assert.deepEqual(await letters(), []);
  append(6);
  await untilNudged('all is settled', () => latest()?.cursor.seq === 7);
  assert.deepEqual(
    (await letters()).map(({ seq }) => seq),
    [1],
  );
});

test('buries nothing in an outage, however long and however often it comes back', async (t) => {
  let calls = 0;
  const { exporter, taken } = sinkOf((seqs) => {
    calls += 1;
    return calls % 50 < 45 ? allRetry(seqs.length, 'down') : undefined;
  });
  const { latest, untilNudged, letters } = deliver(t, 100, exporter);
  await untilNudged('all is settled', () => latest()?.cursor.seq === 100);
  assert.deepEqual(await letters(), []);
  assert.deepEqual(
    taken.sort((a, b) => a - b),
    upTo(100),
  );
});

test('holds nothing against a record while the sink says when to come back', async (t) => {
  let calls = 0;
  const { exporter } = sinkOf((seqs) => {
    calls += 1;
    return seqs.includes(3) && calls < 60 ? allRetry(seqs.length, 'throttled', 0) : undefined;
  });
  const { latest, untilNudged, letters } = deliver(t, 9, exporter);
  await untilNudged('all is settled', () => latest()?.cursor.seq === 9);
  assert.deepEqual(await letters(), []);
});

test('offers smaller parts at once when all are rejected together, and buries what is rejected alone', async (t) => {
  const { exporter, taken } = sinkOf((seqs) =>
    seqs.includes(11) ? seqs.map(() => ({ status: 'rejected', reason: 'too long' }) as const) : undefined,
  );
  const { latest, letters } = deliver(t, 32, exporter);
  await until('all is settled', () => latest()?.cursor.seq === 32);
  assert.deepEqual(await letters(), [{ seq: 11, reason: 'too long' }]);
  assert.equal(taken.length, 31);
  assert.equal(latest()?.retries, 0);
});

test('is back to whole batches soon after an outage', async (t) => {
  let calls = 0;
  const { exporter, calls: offers } = sinkOf((seqs) => {
    calls += 1;
    return calls <= 8 ? allRetry(seqs.length, 'down') : undefined;
  });
  const { latest, untilNudged } = deliver(t, 96, exporter);
  await untilNudged('all is settled', () => latest()?.cursor.seq === 96);
  const after = offers.slice(8).map(({ length }) => length);
  assert.ok(after.length <= 10, `${after}`);
  assert.equal(after.at(-2), 32);
});
