/** The suite every exporter passes unchanged: what `AuditExporter` promises, tried on the real thing. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import type { Acknowledgement, AuditExporter } from '../exporter.js';
import type { AuditRecord, JournalledRecord } from '../record.js';
import { anyRecord } from './any-record.js';
import { chained, exampleRecords, hostileRecords, verifies } from './records.js';

/** One exporter on an empty sink of its own. */
export interface ExporterUnderTest {
  readonly exporter: AuditExporter;
  /** What the sink holds now, in any order. Called after `export` has settled; may wait for the sink's own delay. */
  read(): Promise<readonly JournalledRecord[]>;
  /** Removes what was made for the test; called after the exporter's shutdown. */
  close?(): Promise<void>;
}

export interface ExporterContract {
  create(): Promise<ExporterUnderTest>;
  /** An exporter whose sink takes what it is given and never answers. Left out where there is no waiting. */
  createStalled?(): Promise<Omit<ExporterUnderTest, 'read'>>;
  /** `once`: a record offered twice is stored once. `by-id`: it may be there twice, as equal copies that its id tells apart. */
  readonly duplicates: 'once' | 'by-id';
  /** What is left of a record in this sink. Default: all of it, and its hash verifies. */
  keeps?(record: JournalledRecord): unknown;
  /** Turns a good record into one this sink can never store. Left out where there is none. */
  poison?(record: AuditRecord): AuditRecord;
  /** How many random records the property test stores. Default 200. */
  readonly samples?: number;
}

export function exporterContract(name: string, contract: ExporterContract): void {
  const keeps = (record: JournalledRecord): unknown => (contract.keeps === undefined ? record : contract.keeps(record));

  async function opened(t: TestContext): Promise<ExporterUnderTest> {
    const subject = await contract.create();
    t.after(async () => {
      await subject.exporter.shutdown();
      await subject.close?.();
    });
    return subject;
  }

  async function assertStored(subject: ExporterUnderTest, expected: readonly JournalledRecord[]): Promise<void> {
    const stored = await subject.read();
    const found = new Map(stored.map((record) => [record.id, record]));
    if (contract.duplicates === 'once') assert.equal(stored.length, expected.length);
    else for (const copy of stored) assert.deepEqual(copy, found.get(copy.id));
    assert.equal(found.size, expected.length);
    for (const record of expected) {
      assert.deepEqual(found.get(record.id), keeps(record));
      if (contract.keeps === undefined) assert.ok(verifies(found.get(record.id) ?? record), 'the hash of a stored record verifies');
    }
  }

  describe(`${name} keeps the exporter contract`, () => {
    it('has a name fit for file names and counters', async (t) => {
      const { exporter } = await opened(t);
      assert.match(exporter.name, /^[a-z][a-z0-9-]{0,63}$/);
    });

    for (const count of [1, 2, 1000]) {
      it(`stores a batch of ${count} and says so for each`, async (t) => {
        const subject = await opened(t);
        const records = exampleRecords(count);
        assertAll(await subject.exporter.export(records, deadline()), 'delivered', count);
        await assertStored(subject, records);
      });
    }

    it('stores batch after batch', async (t) => {
      const subject = await opened(t);
      const records = exampleRecords(30);
      for (const start of [0, 10, 20]) {
        assertAll(await subject.exporter.export(records.slice(start, start + 10), deadline()), 'delivered', 10);
      }
      await assertStored(subject, records);
    });

    it('takes the same batch twice, and batches that overlap', async (t) => {
      const subject = await opened(t);
      const records = exampleRecords(20);
      for (const batch of [records.slice(0, 12), records.slice(0, 12), records.slice(6)]) {
        assertAll(await subject.exporter.export(batch, deadline()), 'delivered', batch.length);
      }
      await assertStored(subject, records);
    });

    it('takes the same record twice in one batch', async (t) => {
      const subject = await opened(t);
      const records = exampleRecords(3);
      assertAll(await subject.exporter.export([...records, ...records], deadline()), 'delivered', 6);
      await assertStored(subject, records);
    });

    it('stores values that break careless sinks', async (t) => {
      const subject = await opened(t);
      const records = chained(hostileRecords());
      assertAll(await subject.exporter.export(records, deadline()), 'delivered', records.length);
      await assertStored(subject, records);
    });

    it('stores any record that can be built, and gives it back as it was', async (t) => {
      const subject = await opened(t);
      const samples = contract.samples ?? 200;
      const records = chained(fc.sample(anyRecord, { numRuns: samples, seed: seed() }));
      assertAll(await subject.exporter.export(records, deadline()), 'delivered', samples);
      await assertStored(subject, records);
    });

    it('leaves the records as they were', async (t) => {
      const { exporter } = await opened(t);
      const records = frozen(chained(hostileRecords()));
      const before = structuredClone(records);
      await exporter.export(records, deadline());
      assert.deepEqual(records, before);
    });

    if (contract.poison !== undefined) rejectsPoison(contract.poison);
    if (contract.createStalled !== undefined) givesUp(contract.createStalled);

    it('stores nothing it does not admit to when the deadline has passed, and works afterwards', async (t) => {
      const subject = await opened(t);
      const records = exampleRecords(5);
      const answers = await settledWithin(1000, answersOf(subject.exporter, records, AbortSignal.abort()));
      assertNoneRejected(answers, 5);
      assertAll(await subject.exporter.export(records, deadline()), 'delivered', 5);
      await assertStored(subject, records);
    });

    it('shuts down unused, shuts down twice, and delivers nothing afterwards', async (t) => {
      const subject = await opened(t);
      await settledWithin(5000, subject.exporter.shutdown());
      await settledWithin(5000, subject.exporter.shutdown());
      assertAll(await settledWithin(5000, answersOf(subject.exporter, exampleRecords(2), deadline())), 'retry', 2);
      await assertStored(subject, []);
    });

    it('keeps what was stored when it shuts down', async (t) => {
      const subject = await opened(t);
      const records = exampleRecords(3);
      await subject.exporter.export(records, deadline());
      await settledWithin(5000, subject.exporter.shutdown());
      await assertStored(subject, records);
    });
  });

  function rejectsPoison(poison: (record: AuditRecord) => AuditRecord): void {
    for (const bad of [[0], [7], [3, 4, 9], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]) {
      it(`rejects records ${bad.join(', ')} of ten, which it can never store, and stores the others`, async (t) => {
        const subject = await opened(t);
        const records = exampleRecords(10).map((record, n) =>
          bad.includes(n) ? ({ ...record, ...poison(record) } as JournalledRecord) : record,
        );
        const answers = await subject.exporter.export(records, deadline());
        assert.deepEqual(
          answers.map(({ status }) => status),
          records.map((_, n) => (bad.includes(n) ? 'rejected' : 'delivered')),
        );
        for (const answer of answers) if (answer.status === 'rejected') assert.match(answer.reason, /\S/);
        await assertStored(
          subject,
          records.filter((_, n) => !bad.includes(n)),
        );
      });
    }
  }

  function givesUp(createStalled: () => Promise<Omit<ExporterUnderTest, 'read'>>): void {
    it('gives up at once when the deadline passes before the sink has answered', async (t) => {
      const { exporter, close } = await createStalled();
      t.after(async () => {
        await exporter.shutdown();
        await close?.();
      });
      const answers = await settledWithin(1500, answersOf(exporter, exampleRecords(5), AbortSignal.timeout(300)));
      assertAll(answers, 'retry', 5);
    });
  }
}

/** As delivery reads it: a rejected promise is `retry` for all. */
async function answersOf(
  exporter: AuditExporter,
  records: readonly JournalledRecord[],
  signal: AbortSignal,
): Promise<readonly Acknowledgement[]> {
  try {
    return await exporter.export(records, signal);
  } catch {
    return records.map(() => ({ status: 'retry', reason: 'thrown' }));
  }
}

function assertAll(answers: readonly Acknowledgement[], status: Acknowledgement['status'], count: number): void {
  const others = answers.filter((answer) => answer.status !== status);
  assert.deepEqual(others.slice(0, 3), [], `${others.length} of ${answers.length} are not ${status}`);
  assert.equal(answers.length, count);
}

function assertNoneRejected(answers: readonly Acknowledgement[], count: number): void {
  assert.equal(answers.length, count);
  assert.ok(answers.every(({ status }) => status !== 'rejected'));
}

async function settledWithin<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not settled within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Longer than the real one: the machine may be busy, and these tests are not about time. */
function deadline(): AbortSignal {
  return AbortSignal.timeout(60_000);
}

/** `AUDIT_TEST_SEED` repeats a failed run. */
function seed(): number {
  const chosen = Number(process.env.AUDIT_TEST_SEED ?? Date.now() % 2 ** 31);
  console.log(`AUDIT_TEST_SEED=${chosen}`);
  return chosen;
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) frozen(member);
    Object.freeze(value);
  }
  return value;
}
