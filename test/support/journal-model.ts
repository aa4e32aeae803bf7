/** The journal against its model: a list of what was accepted, of which a prefix is written and a prefix of that is on the disk. */

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { followsLink, verifyLine } from '../../src/journal/chain.js';
import { createJournal } from '../../src/journal/journal.js';
import { useJournalKeys } from '../../src/journal/keyring.js';
import { JournalReader, START } from '../../src/journal/reader.js';
import type { AuditIntegrity } from '../../src/record.js';
import { createFaultyDisk, type Fate } from './faulty-disk.js';
import { MANIFEST, readLines } from './journals.js';
import { makeRecord } from './sized-records.js';
import { until } from './waiting.js';

const key = useJournalKeys(['17'.repeat(32)]);

const scenarios = fc.record({
  steps: fc.array(fc.oneof({ weight: 4, arbitrary: fc.nat(12) }, fc.constantFrom('tick' as const, 'flush' as const, 'sync' as const)), {
    maxLength: 30,
  }),
  fates: fc.array(
    fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom<Fate>('whole', 'short', 'error', 'delay') },
      { weight: 1, arbitrary: fc.constant<Fate>('crash') },
    ),
    { maxLength: 20 },
  ),
  codes: fc.array(fc.constantFrom('ENOSPC', 'EDQUOT', 'EIO', 'EACCES', 'EROFS'), { minLength: 1, maxLength: 3 }),
  write: fc.constantFrom('tick' as const, 'async' as const),
  maxPendingBytes: fc.constantFrom(10_000, 8e6),
  segmentBytes: fc.constantFrom(3000, 1e6),
  syncBytes: fc.constantFrom(2000, 1e6),
  isEncrypted: fc.boolean(),
  /** Of what a power cut leaves of the bytes that were not synced. */
  survivingShare: fc.double({ min: 0, max: 1, noNaN: true }),
});

type Scenario = typeof scenarios extends fc.Arbitrary<infer Value> ? Value : never;

/** @throws with the counterexample. `seed` undefined: another one each time. */
export async function checkJournal(numRuns: number, seed: number | undefined): Promise<void> {
  await fc.assert(fc.asyncProperty(scenarios, play), { numRuns, ...(seed === undefined ? {} : { seed }) });
}

async function play({ steps, fates, codes, isEncrypted, survivingShare, ...options }: Scenario): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'otel-audit-model-'));
  const disk = createFaultyDisk(fates, codes);
  const count = { offered: 0, written: 0, dropped: 0, told: 0, durable: 0 };
  const accepted: string[] = [];
  const journal = createJournal({
    directory,
    manifest: MANIFEST,
    maxBytes: 1e9,
    key: isEncrypted ? key : undefined,
    fs: disk.fs,
    syncIntervalMs: 3,
    onWritten: (records) => {
      count.written += records;
    },
    onDropped: (_, records) => {
      count.dropped += records;
    },
    onLoss: (loss) => {
      count.told += loss.count ?? Number.NaN;
    },
    ...options,
  });
  try {
    for (const step of steps) {
      if (disk.hasCrashed()) break;
      if (step === 'tick') await new Promise(setImmediate);
      else if (step === 'flush') journal.flushSync();
      else if (step === 'sync') await syncOrCrash();
      else for (let nth = 0; nth < step; nth += 1) append();
      assert.equal(count.offered, journal.position.seq + count.dropped);
      assert.ok(count.written <= journal.position.seq);
    }
    if (disk.hasCrashed()) return await checkCrash();
    disk.heal();
    journal.flushSync();
    await until('everything is written', () => count.written === accepted.length);
    assert.deepEqual(idsOf(), accepted);
    assert.equal(count.told, count.dropped);
    await journal.sync();
  } finally {
    if (disk.hasCrashed()) journal.closeSync();
    else await journal.close();
    disk.closeAll();
    rmSync(directory, { recursive: true });
  }

  function append(): void {
    const record = makeRecord();
    count.offered += 1;
    if (journal.append(record) !== false) accepted.push(record.id);
  }

  async function syncOrCrash(): Promise<void> {
    const target = accepted.length;
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    void journal.sync().then(() => {
      count.durable = Math.max(count.durable, target);
      over();
    }, over);
    await until('the sync is over', () => isOver || disk.hasCrashed());
  }

  /** The disk as a kill leaves it, and then as a power cut would. */
  async function checkCrash(): Promise<void> {
    const afterKill = await recovered();
    assert.ok(afterKill.length >= count.written, `${afterKill.length} are left of ${count.written}`);
    cutPower();
    const afterPowerCut = await recovered();
    assert.ok(afterPowerCut.length >= count.durable, `${afterPowerCut.length} are left of ${count.durable}`);
  }

  /** Always a beginning of what was accepted, however the end is torn. */
  async function recovered(): Promise<readonly string[]> {
    const reader = new JournalReader({
      directory: journal.directory,
      quarantineFile: join(directory, 'quarantine.txt'),
      onDamage: (what) => assert.fail(what),
    });
    const { entries } = await reader.read(START, 1e6, 1e9);
    await reader.close();
    const ids = entries.map(({ line }) => line.record.id);
    assert.deepEqual(ids, accepted.slice(0, ids.length));
    return ids;
  }

  function cutPower(): void {
    const segments = readdirSync(journal.directory)
      .filter((name) => name.endsWith('.jsonl'))
      .sort();
    let isGone = false;
    for (const name of segments) {
      const path = join(journal.directory, name);
      const { size } = statSync(path);
      const synced = disk.syncedBytes(path);
      const left: number = isGone ? synced : synced + Math.floor((size - synced) * survivingShare);
      isGone ||= left < size;
      truncateSync(path, left);
    }
  }

  function idsOf(): readonly string[] {
    let previous: AuditIntegrity | undefined;
    return readLines(journal.directory).map((line) => {
      const verified = verifyLine(line);
      assert.ok('record' in verified);
      assert.ok(followsLink(verified.record, previous));
      previous = verified.record.integrity;
      return verified.record.id;
    });
  }
}
