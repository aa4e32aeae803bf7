import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { followsLink, verifyLine } from '../../../src/journal/chain.js';
import { createJournal } from '../../../src/journal/journal.js';
import type { AuditIntegrity } from '../../../src/record.js';
import { MANIFEST, readLines } from '../../support/journals.js';
import { makeRecord } from '../../support/sized-records.js';
import { until } from '../../support/waiting.js';

/** What the disk does with one write: all, some bytes, or an error. */
type Fate = 'whole' | 'short' | 'error';

/** Both ways to write meet the next fate of the list; once it is used up the disk is sound. */
function fatefulFs(fates: Fate[]) {
  const next = (length: number): number | undefined => {
    const fate = fates.shift() ?? 'whole';
    if (fate === 'error') return undefined;
    return fate === 'short' ? Math.max(1, Math.floor(length / 3)) : length;
  };
  const refusal = () => Object.assign(new Error('full'), { code: 'ENOSPC' });
  const writeSync = (fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number => {
    const allowed = next(length);
    if (allowed === undefined) throw refusal();
    return fs.writeSync(fd, bytes, offset, allowed, position);
  };
  const write = (
    fd: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
    done: (error: Error | null, written: number) => void,
  ) => {
    const allowed = next(length);
    if (allowed === undefined) setImmediate(done, refusal(), 0);
    else fs.write(fd, bytes, offset, allowed, position, done);
  };
  return { ...fs, writeSync: writeSync as typeof fs.writeSync, write: write as typeof fs.write };
}

const steps = fc.array(
  fc.oneof({ weight: 4, arbitrary: fc.nat(12) }, fc.constantFrom('tick' as const, 'flush' as const, 'sync' as const)),
  { maxLength: 30 },
);
const scenarios = fc.record({
  steps,
  fates: fc.array(fc.constantFrom<Fate>('whole', 'short', 'error'), { maxLength: 12 }),
  write: fc.constantFrom('tick' as const, 'async' as const),
  maxPendingBytes: fc.constantFrom(10_000, 8e6),
  segmentBytes: fc.constantFrom(3000, 1e6),
});

test('whatever the disk does: what was accepted is in the file once, in order and chained, and the rest is counted', async () => {
  const property = fc.asyncProperty(scenarios, async ({ steps, fates, ...options }) => {
    const directory = mkdtempSync(join(tmpdir(), 'otel-audit-model-'));
    let written = 0;
    let dropped = 0;
    let told = 0;
    const journal = createJournal({
      directory,
      manifest: MANIFEST,
      maxBytes: 1e9,
      fs: fatefulFs([...fates]),
      onWritten: (records) => {
        written += records;
      },
      onDropped: (_, records) => {
        dropped += records;
      },
      onLoss: (loss) => {
        told += loss.count ?? Number.NaN;
      },
      ...options,
    });
    let offered = 0;
    const accepted: string[] = [];
    for (const step of steps) {
      if (step === 'tick') await new Promise(setImmediate);
      else if (step === 'flush') journal.flushSync();
      else if (step === 'sync') await journal.sync().catch(() => undefined);
      else {
        for (let nth = 0; nth < step; nth += 1) {
          const record = makeRecord();
          offered += 1;
          if (journal.append(record)) accepted.push(record.id);
        }
      }
      assert.equal(offered, journal.position.seq + dropped);
      assert.ok(written <= journal.position.seq);
    }
    // As many attempts as there are fates left, without waiting out the backoff.
    for (let attempt = 0; attempt <= fates.length; attempt += 1) journal.flushSync();
    await until('everything is written', () => written === accepted.length);
    let previous: AuditIntegrity | undefined;
    const ids = readLines(journal.directory).map((line) => {
      const verified = verifyLine(line);
      assert.ok('record' in verified);
      assert.ok(followsLink(verified.record, previous));
      previous = verified.record.integrity;
      return verified.record.id;
    });
    assert.deepEqual(ids, accepted);
    assert.equal(told, dropped);
    await journal.close();
    rmSync(directory, { recursive: true });
  });
  await fc.assert(property, { numRuns: 60 });
});
