import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { Deliverer } from '../../../src/delivery/deliverer.js';
import { Ledger } from '../../../src/delivery/ledger.js';
import type { Acknowledgement, AuditExporter } from '../../../src/exporter.js';
import { createJournal } from '../../../src/journal/journal.js';
import type { JournalledRecord } from '../../../src/record.js';
import { MANIFEST } from '../../support/journals.js';
import { makeRecord } from '../../support/sized-records.js';
import { until } from '../../support/waiting.js';

const fate = fc.constantFrom<Acknowledgement['status'] | 'throw' | 'short'>(
  'delivered',
  'delivered',
  'retry',
  'rejected',
  'throw',
  'short',
);
const scenarios = fc.record({
  records: fc.integer({ min: 1, max: 40 }),
  /** What each call answers, record by record. */
  calls: fc.array(fc.array(fate, { minLength: 1, maxLength: 8 }), { maxLength: 8 }),
  count: fc.integer({ min: 1, max: 10 }),
  /** After so many calls the deliverer is stopped and another goes on. */
  restartAfter: fc.integer({ min: 0, max: 8 }),
});

const acknowledge = (status: string): Acknowledgement => {
  if (status === 'retry') return { status, reason: 'busy', afterMs: 0 };
  return status === 'rejected' ? { status, reason: 'never' } : { status: 'delivered' };
};

test('whatever the exporter answers, also across a restart: every record is delivered or a dead letter, and the counters always balance', async () => {
  const property = fc.asyncProperty(scenarios, async ({ records, calls, count, restartAfter }) => {
    const directory = mkdtempSync(join(tmpdir(), 'otel-audit-model-'));
    const journal = createJournal({ directory, manifest: MANIFEST, maxBytes: 1e9 });
    for (let nth = 0; nth < records; nth += 1) journal.append(makeRecord());
    journal.flushSync();
    const { stream } = journal.position;
    const delivered = new Set<number>();
    const script = [...calls];
    let called = 0;
    const answer = (batch: readonly JournalledRecord[]): readonly Acknowledgement[] => {
      called += 1;
      const fates = script.shift() ?? ['delivered' as const];
      if (fates[0] === 'throw') throw new Error('down');
      if (fates[0] === 'short') return [];
      const answers = batch.map((_, nth) => acknowledge(fates[nth % fates.length] ?? 'delivered'));
      for (const [nth, { status }] of answers.entries()) if (status === 'delivered') delivered.add(batch[nth]?.integrity.seq ?? 0);
      return answers;
    };
    const exporter: AuditExporter = { name: 'model', export: async (batch) => answer(batch), shutdown: async () => undefined };
    const ledger = new Ledger(['model']);
    const open = () => {
      const deliverer = new Deliverer({
        exporter: 'model',
        create: async () => exporter,
        warn: () => undefined,
        onProgress: (progress) => {
          ledger.update(progress);
          const counters = ledger.counters(new Map([[stream, records]])).model;
          assert.ok(counters !== undefined && counters.delivered >= 0 && counters.undelivered >= 0);
          assert.equal(counters.delivered + counters.undelivered + counters.deadLettered, records);
        },
        onCreated: () => undefined,
        // A nudge skips the backoff, so the seeds need no long waits.
        timing: { count, lingerMs: 0, pollMs: 1, random: () => 0 },
      });
      deliverer.addStream({ stream, directory: journal.directory, tip: journal.tip.buffer });
      deliverer.start();
      return deliverer;
    };
    const settled = () => {
      running.nudge();
      return ledger.settledSeq(stream) === records;
    };
    let running = open();
    await until('it has been called', () => called >= Math.min(restartAfter, 1) || settled());
    await until('it is time to restart', () => called >= restartAfter || settled());
    await running.stop();
    running = open();
    await until('all is settled', settled);
    await running.stop();
    const letters = readDeadLetters(join(journal.directory, 'dead-letter.model.ndjson'));
    for (let seq = 1; seq <= records; seq += 1) assert.ok(delivered.has(seq) || letters.has(seq), `record ${seq} is nowhere`);
    await journal.close();
    rmSync(directory, { recursive: true });
  });
  await fc.assert(property, { numRuns: 60 });
});

function readDeadLetters(path: string): Set<number> {
  try {
    const lines = readFileSync(path, 'utf8').trim().split('\n');
    return new Set(lines.map((line) => (JSON.parse(line) as { record: JournalledRecord }).record.integrity.seq));
  } catch {
    return new Set();
  }
}
