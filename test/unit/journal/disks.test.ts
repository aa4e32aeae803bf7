/** Disks and clocks as they are found at 3 a.m. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { followsLink, verifyLine } from '../../../src/journal/chain.js';
import { syncWithin } from '../../../src/journal/sync-within.js';
import type { AuditIntegrity } from '../../../src/record.js';
import { openJournal, readLines } from '../../support/journals.js';
import { makeRecord, makeSizedRecord } from '../../support/sized-records.js';
import { makeDirectory } from '../../support/waiting.js';

function assertWhole(directory: string, ids: readonly string[]): void {
  let previous: AuditIntegrity | undefined;
  const found = readLines(directory).map((line) => {
    const verified = verifyLine(line);
    assert.ok('record' in verified && followsLink(verified.record, previous));
    previous = verified.record.integrity;
    return verified.record.id;
  });
  assert.deepEqual(found, ids);
}

/** A small file system where we may mount one; elsewhere one that says it is full after as many bytes. */
function smallDisk(t: TestContext, bytes: number): { directory: string; fs: typeof fs; free(): void } {
  const directory = fs.mkdtempSync(join(tmpdir(), 'otel-audit-test-'));
  t.after(() => {
    if (isMounted) spawnSync('umount', ['-l', directory]);
    fs.rmSync(directory, { recursive: true, force: true });
  });
  const isMounted = process.getuid?.() === 0 && spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', directory]).status === 0;
  if (isMounted) {
    const filler = join(directory, 'filler');
    fs.writeFileSync(filler, Buffer.alloc(bytes / 2));
    return { directory, fs, free: () => fs.unlinkSync(filler) };
  }
  let left = bytes / 2;
  const writeSync = (fd: number, chunk: Uint8Array, offset: number, length: number, position: number): number => {
    if (left <= 0) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    const written = fs.writeSync(fd, chunk, offset, Math.min(length, left), position);
    left -= written;
    return written;
  };
  return {
    directory,
    fs: { ...fs, writeSync: writeSync as typeof fs.writeSync },
    free() {
      left = bytes;
    },
  };
}

test('goes down the ladder on a disk that is really full, and up again when there is room', async (t) => {
  const disk = smallDisk(t, 1024 * 1024);
  const { journal, notes } = openJournal(t, { directory: disk.directory, fs: disk.fs, maxPendingBytes: 200_000 });
  const accepted: string[] = [];
  let offered = 0;
  while ((notes.dropped.journal_unavailable ?? 0) < 20) {
    const record = makeSizedRecord(2048);
    offered += 1;
    if (journal.append(record) !== false) accepted.push(record.id);
    if (offered % 10 === 0) await new Promise(setImmediate);
  }
  assert.equal(accepted.length + 20, offered);
  assert.equal(await syncWithin(journal, 60), false);
  assert.equal(notes.warnings.filter((warning) => warning.includes('ENOSPC')).length, 1);
  disk.free();
  assert.equal(await syncWithin(journal, 20_000), true);
  assert.equal(notes.losses[0]?.count, 20);
  assertWhole(journal.directory, accepted);
});

test('a disk that takes 100 ms for a write stalls the service once, and loses nothing', async (t) => {
  const sleep = new Int32Array(new SharedArrayBuffer(4));
  let stalls = 0;
  const writeSync = (...args: Parameters<typeof fs.writeSync>): number => {
    stalls += 1;
    Atomics.wait(sleep, 0, 0, 100);
    return fs.writeSync(...args);
  };
  const write = (...args: Parameters<typeof fs.write>): void => void setTimeout(() => fs.write(...args), 100);
  const slow = { ...fs, writeSync, write } as unknown as typeof fs;
  const { journal, notes } = openJournal(t, { directory: makeDirectory(), fs: slow });
  const accepted: string[] = [];
  // Half a second of 1,000 records a second.
  for (let tick = 0; tick < 50; tick += 1) {
    for (let nth = 0; nth < 10; nth += 1) {
      const record = makeSizedRecord(2048);
      if (journal.append(record) !== false) accepted.push(record.id);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(stalls, 1);
  assert.equal(await syncWithin(journal, 20_000), true);
  assert.deepEqual([accepted.length, notes.dropped], [500, {}]);
  assertWhole(journal.directory, accepted);
});

for (const [where, segmentBytes] of [
  ['the segment being written', 1e6],
  ['segments that are full', 3000],
] as const) {
  test(`after a sync that failed nothing counts as durable before it is written anew (${where})`, async (t) => {
    let refusals = 3;
    // As the kernel does: what it could not write it takes for clean, and says so once.
    const clean = new Map<number, number>();
    const fdatasync = (fd: number, done: fs.NoParamCallback): void => {
      if (refusals === 0) return fs.fdatasync(fd, done);
      refusals -= 1;
      clean.set(fd, fs.fstatSync(fd).size);
      setImmediate(done, Object.assign(new Error('EIO'), { code: 'EIO' }));
    };
    let anew = 0;
    const write = (fd: number, bytes: Uint8Array, offset: number, length: number, position: number, done: never): void => {
      anew += length;
      fs.write(fd, bytes, offset, length, position, done);
    };
    const failing = { ...fs, fdatasync, write } as unknown as typeof fs;
    const { journal } = openJournal(t, { directory: makeDirectory(), fs: failing, segmentBytes, syncIntervalMs: 1e9 });
    for (let nth = 0; nth < 8; nth += 1) {
      journal.append(makeRecord());
      journal.flushSync();
    }
    await assert.rejects(journal.sync(), { code: 'EIO' });
    assert.equal(await syncWithin(journal, 20_000), true);
    assert.ok(anew >= [...clean.values()].reduce((total, size) => total + size, 0));
  });
}

test('a disk that never answers keeps nobody waiting beyond the deadline', async (t) => {
  const unanswered: fs.NoParamCallback[] = [];
  const fdatasync: typeof fs.fdatasync = Object.assign((_: number, done: fs.NoParamCallback) => void unanswered.push(done), fs.fdatasync);
  const { journal } = openJournal(t, { directory: makeDirectory(), fs: { ...fs, fdatasync } });
  journal.append(makeRecord());
  assert.equal(await syncWithin(journal, 30), false);
  // For the end of the test.
  unanswered.push = (...calls) => {
    for (const done of calls) setImmediate(done, null);
    return 0;
  };
  for (const done of unanswered.splice(0)) done(null);
});

test('clocks that jump, back or ahead, change neither order nor chain nor what is dropped', async (t) => {
  let nowMs = Date.now();
  const clock = { nowMs: () => nowMs, monotonicMs: () => performance.now() };
  const { journal, notes } = openJournal(t, { directory: makeDirectory(), clock, syncIntervalMs: 2, maxPendingBytes: 10_000 });
  const accepted: string[] = [];
  const year = 365 * 86_400_000;
  for (const jump of [0, year, -2 * year, 3_600_000, -1]) {
    nowMs += jump;
    for (let nth = 0; nth < 10; nth += 1) {
      const record = makeRecord({ time: new Date(nowMs).toISOString() });
      if (journal.append(record) !== false) accepted.push(record.id);
    }
    await journal.sync();
  }
  for (const { sinceMs, untilMs } of notes.losses) assert.ok(untilMs >= sinceMs);
  assertWhole(journal.directory, accepted);
});
