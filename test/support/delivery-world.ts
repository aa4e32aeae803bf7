/** A journal, a sink and deliverers that are stopped, killed and hindered as a scenario says, beside the simplest model of what must come out. */

import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { readDeadLetters } from '../../src/delivery/dead-letter.js';
import { Deliverer } from '../../src/delivery/deliverer.js';
import { Ledger } from '../../src/delivery/ledger.js';
import { type Acknowledgement, type AuditExporter, allDelivered } from '../../src/exporter.js';
import { createJournal } from '../../src/journal/journal.js';
import type { JournalledRecord } from '../../src/record.js';
import { breakFiles, type FileFault } from './faulty-files.js';
import { MANIFEST } from './journals.js';
import { makeRecord } from './sized-records.js';
import { until } from './waiting.js';

export interface DeliveryScenario {
  readonly records: number;
  readonly count: number;
  /** Sequence numbers that the sink rejects. */
  readonly rejected: readonly number[];
  /** Sequence numbers because of which it refuses a whole batch. */
  readonly poison: readonly number[];
  /** What the first calls do, whatever they are offered; `lost`: it stores the records and fails all the same. */
  readonly calls: readonly ('down' | 'lost' | 'short' | 'well')[];
  /** After so many file operations the process is killed: whatever it waits for never comes. */
  readonly kills: readonly number[];
  readonly faults: readonly (readonly [operation: number, fault: Exclude<FileFault, 'hang'>])[];
}

export const deliveryScenarios: fc.Arbitrary<DeliveryScenario> = fc.record({
  records: fc.integer({ min: 1, max: 40 }),
  count: fc.integer({ min: 1, max: 12 }),
  rejected: fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 4 }),
  poison: fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 3 }),
  calls: fc.array(fc.constantFrom('down', 'down', 'lost', 'short', 'well'), { maxLength: 10 }),
  kills: fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 3 }),
  faults: fc.array(fc.tuple(fc.integer({ min: 0, max: 80 }), fc.constantFrom('EIO', 'ENOSPC', 'short', 'late')), { maxLength: 5 }),
});

/** Runs the scenario until all is settled, checking the equation at every report, and then compares with the model. */
export async function playDelivery(scenario: DeliveryScenario): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'otel-audit-world-'));
  const journal = createJournal({ directory, manifest: MANIFEST, maxBytes: 1e9 });
  const append = (count: number): void => {
    for (let nth = 0; nth < count; nth += 1) journal.append(makeRecord());
    journal.flushSync();
  };
  append(scenario.records);
  const { stream } = journal.position;
  /** Which deliverer's work it is; those before the living one are dead. */
  const work = new AsyncLocalStorage<number>();
  let living = 0;
  const deliverers: Deliverer[] = [];
  const isDead = (): boolean => (work.getStore() ?? living) < living;
  const { exporter, stored } = createSink(scenario, isDead);
  const files = breakFiles(directory, isDead);
  files.plan = new Map(scenario.faults);
  // What the model finds wrong while deliverers run: thrown at them it would be one more fault that they live with.
  const faults: unknown[] = [];
  try {
    let reached = 0;
    const open = (): Deliverer => {
      let isFirstReport = true;
      // A process that starts counts from where its cursor is; nothing it reports may contradict that.
      const ledger = new Ledger(['model']);
      const deliverer = new Deliverer({
        exporter: 'model',
        create: async () => exporter,
        warn: () => undefined,
        onProgress: (progress) => {
          if (isDead()) return;
          try {
            ledger.update(progress);
            assertBalanced(ledger, stream, journal.position.seq, progress.start.seq);
            if (isFirstReport) assertResend(scenario, stored, progress.start.seq);
          } catch (fault) {
            faults.push(fault);
          }
          isFirstReport = false;
          reached = progress.cursor.seq;
        },
        onCreated: () => undefined,
        timing: { count: scenario.count, lingerMs: 0, pollMs: 1 },
      });
      deliverer.addStream({ stream, directory: journal.directory, tip: journal.tip.buffer });
      deliverers.push(deliverer);
      work.run(living, () => deliverer.start());
      return deliverer;
    };
    let running = open();
    const nudged = (condition: () => boolean) => () => {
      if (faults.length > 0) throw faults[0];
      running.nudge();
      return condition();
    };
    const isDone = (): boolean => reached >= scenario.records;
    for (const kill of scenario.kills) {
      const at = files.count + kill;
      await until(
        'it is time to kill',
        nudged(() => files.count >= at || isDone()),
        20_000,
      );
      // What it was doing stays undone for ever; the next one finds what is on the disk.
      living += 1;
      running = open();
    }
    await until(
      'all is settled',
      nudged(() => {
        // A service goes on: when only the culprit is left, what comes next is its witness.
        if (journal.position.seq < 400) append(1);
        return isDone();
      }),
      120_000,
    );
    await running.stop();
    if (faults.length > 0) throw faults[0];
  } finally {
    files.restore();
    // A killed one that waits for something else than a file would look for work for ever.
    for (const deliverer of deliverers) void deliverer.stop();
  }
  await compare(scenario, journal.directory, stored);
  await journal.close();
  rmSync(directory, { recursive: true, maxRetries: 3 });
}

function createSink({ rejected, poison, calls }: DeliveryScenario, isDead: () => boolean) {
  const script = [...calls];
  /** Each once: a sink is idempotent by the record's id. */
  const stored = new Set<number>();
  const answer = (batch: readonly JournalledRecord[]): readonly Acknowledgement[] => {
    const seqs = batch.map(({ integrity }) => integrity.seq);
    const fate = script.shift();
    if (fate === 'down') throw new Error('down');
    if (seqs.some((seq) => poison.includes(seq))) throw new Error('one of these');
    for (const seq of seqs) if (!rejected.includes(seq)) stored.add(seq);
    if (fate === 'lost') throw new Error('no answer');
    if (fate === 'short') return allDelivered(Math.max(0, batch.length - 1));
    return seqs.map((seq) => (rejected.includes(seq) ? { status: 'rejected', reason: 'never' } : { status: 'delivered' }));
  };
  const exporter: AuditExporter = {
    name: 'model',
    export: async (batch) => (isDead() ? new Promise(() => undefined) : answer(batch)),
    shutdown: async () => undefined,
  };
  return { exporter, stored };
}

/**
 * A crash has at most one batch offered again, unless its cursor could not be written or records were on trial. A refusal may
 * look like a record's fault at first, and then one more record is read as a witness.
 */
function assertResend({ count, calls, faults, poison }: DeliveryScenario, stored: ReadonlySet<number>, startSeq: number): void {
  if (faults.length > 0 || poison.length > 0) return;
  const again = [...stored].filter((seq) => seq > startSeq).length;
  const witnesses = calls.filter((call) => call !== 'well').length;
  assert.ok(again <= count + witnesses, `${again} records of batches of ${count} are offered again`);
}

function assertBalanced(ledger: Ledger, stream: string, journalled: number, startSeq: number): void {
  const counters = ledger.counters(new Map([[stream, journalled]]))['model'];
  assert.ok(counters !== undefined);
  const { delivered, undelivered, deadLettered } = counters;
  assert.ok(delivered >= 0 && undelivered >= 0 && deadLettered >= 0, JSON.stringify(counters));
  assert.equal(delivered + undelivered + deadLettered, journalled - startSeq);
}

/** Every record is in exactly one place: stored, or a dead letter because the sink never takes it. */
async function compare({ records, rejected, poison }: DeliveryScenario, directory: string, stored: ReadonlySet<number>): Promise<void> {
  const { open } = await readDeadLetters(join(directory, 'dead-letter.model.ndjson'));
  const buried = new Set(open.map(({ record }) => record.integrity.seq));
  for (let seq = 1; seq <= records; seq += 1) {
    const isBad = poison.includes(seq) || rejected.includes(seq);
    assert.equal(stored.has(seq), !isBad, `record ${seq} is ${isBad ? '' : 'not '}stored`);
    assert.equal(buried.has(seq), isBad, `record ${seq} is ${isBad ? 'no' : 'a'} dead letter`);
  }
}
