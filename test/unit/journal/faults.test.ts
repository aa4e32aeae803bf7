import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { verifyLine } from '../../../src/journal/chain.js';
import { openJournal, readLines, readRecords } from '../../support/journals.js';
import { makeRecord, makeSizedRecord } from '../../support/sized-records.js';
import { makeDirectory, until } from '../../support/waiting.js';

/** A file system whose next writes do what `plan` says. */
function faultyFs() {
  const plan: { code?: string; atMostBytes?: number; refusals: number } = { refusals: 0 };
  const writeSync = (fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number => {
    if (plan.code !== undefined) plan.refusals += 1;
    if (plan.code !== undefined) throw Object.assign(new Error(plan.code), { code: plan.code });
    return fs.writeSync(fd, bytes, offset, Math.min(length, plan.atMostBytes ?? length), position);
  };
  return { plan, fs: { ...fs, writeSync: writeSync as typeof fs.writeSync } };
}

for (const code of ['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS', 'EIO']) {
  test(`keeps records in memory while writing fails with ${code}, and writes them when it heals`, async (t) => {
    const faulty = faultyFs();
    const { journal, notes } = openJournal(t, { directory: makeDirectory(), fs: faulty.fs, syncIntervalMs: 5 });
    assert.ok(journal.append(makeRecord()));
    journal.flushSync();
    faulty.plan.code = code;
    for (let nth = 0; nth < 50; nth += 1) {
      assert.ok(journal.append(makeRecord()));
      if (nth % 10 === 0) await new Promise(setImmediate);
    }
    assert.equal(notes.written, 1);
    assert.equal(journal.isWritable, false);
    await assert.rejects(journal.sync(), { code: 'ERR_AUDIT_JOURNAL' });
    await until('it is tried some times more', () => faulty.plan.refusals > 10);
    const [warning, ...more] = notes.warnings;
    assert.match(String(warning), new RegExp(code));
    assert.deepEqual(more, []);
    delete faulty.plan.code;
    await until('the journal heals by itself', () => notes.written === 51);
    assert.equal(journal.isWritable, true);
    assert.deepEqual([notes.dropped, notes.losses], [{}, []]);
    assert.equal(readLines(journal.directory).length, 51);
  });
}

test('drops bodies before records, counts what it drops, and tells of the loss when it heals', async (t) => {
  const faulty = faultyFs();
  const { journal, notes } = openJournal(t, { directory: makeDirectory(), fs: faulty.fs, maxPendingBytes: 200_000 });
  faulty.plan.code = 'ENOSPC';
  let accepted = 0;
  for (let nth = 0; nth < 300; nth += 1) if (journal.append(makeSizedRecord(4000))) accepted += 1;
  assert.equal(notes.dropped.journal_unavailable, 300 - accepted);
  assert.ok(accepted < 300);
  delete faulty.plan.code;
  await until('the journal heals by itself', () => notes.written === accepted);
  const records = readRecords(journal.directory);
  const withBodies = records.filter((record) => record.request?.body !== undefined).length;
  assert.ok(withBodies > 0 && withBodies < accepted);
  assert.deepEqual(records.at(-1)?.metadata?.bodiesDropped, 'journal');
  assert.ok(readLines(journal.directory).every((line) => 'record' in verifyLine(line)));
  assert.equal(notes.losses.length, 1);
  assert.deepEqual([notes.losses[0]?.count, notes.losses[0]?.reasons], [300 - accepted, { journal_unavailable: 300 - accepted }]);
});

test('continues a short write where it ended', (t) => {
  const faulty = faultyFs();
  const { journal, notes } = openJournal(t, { directory: makeDirectory(), fs: faulty.fs, segmentBytes: 3000 });
  faulty.plan.atMostBytes = 700;
  for (let nth = 0; nth < 20; nth += 1) journal.append(makeRecord());
  journal.flushSync();
  assert.equal(notes.written, 20);
  assert.deepEqual(
    readRecords(journal.directory).map((record) => record.integrity.seq),
    Array.from({ length: 20 }, (_, nth) => nth + 1),
  );
});

test('finishes a line that an error cut, in the same segment', async (t) => {
  const faulty = faultyFs();
  const { journal, notes } = openJournal(t, { directory: makeDirectory(), fs: faulty.fs, segmentBytes: 100 });
  const write = faulty.fs.writeSync as (...args: unknown[]) => number;
  faulty.fs.writeSync = ((...args: unknown[]) => {
    faulty.plan.atMostBytes = 500;
    const written = write(...args);
    faulty.plan.code = 'ENOSPC';
    return written;
  }) as typeof fs.writeSync;
  journal.append(makeRecord());
  journal.flushSync();
  assert.equal(notes.written, 0);
  delete faulty.plan.code;
  faulty.fs.writeSync = write as typeof fs.writeSync;
  faulty.plan.atMostBytes = 1e9;
  journal.append(makeRecord());
  journal.flushSync();
  assert.equal(notes.written, 2);
  assert.ok(readLines(journal.directory).every((line) => 'record' in verifyLine(line)));
});

test('stops at the bound of bytes and goes on after a trim', async (t) => {
  const { journal, notes } = openJournal(t, { directory: makeDirectory(), maxBytes: 40_000 });
  for (let nth = 0; nth < 40; nth += 1) {
    journal.append(makeRecord());
    journal.flushSync();
  }
  assert.ok(notes.written < 40 && notes.written > 20);
  assert.match(notes.warnings.join(), /MAX_BYTES/);
  await journal.trim(4);
  await until('the rest is written', () => notes.written === 40);
});

test('brings the folder back when somebody deletes it, with what the open segment held', async (t) => {
  const directory = makeDirectory();
  const { journal, notes } = openJournal(t, { directory, syncIntervalMs: 5 });
  journal.append(makeRecord());
  journal.flushSync();
  fs.rmSync(directory, { recursive: true });
  await until('it is noticed', () => notes.warnings.some((warning) => warning.includes('deleted')));
  journal.append(makeRecord());
  journal.flushSync();
  assert.deepEqual(
    readRecords(journal.directory).map((record) => record.integrity.seq),
    [1, 2],
  );
  assert.ok(fs.existsSync(join(journal.directory, 'manifest.json')));
});

test('counts a record that cannot be encoded instead of throwing', (t) => {
  const { journal, notes } = openJournal(t, { directory: makeDirectory() });
  assert.equal(journal.append(makeRecord({ metadata: { big: 1n as unknown as number } })), false);
  assert.deepEqual(notes.dropped, { unencodable: 1 });
  assert.ok(journal.append(makeRecord()));
  journal.flushSync();
  assert.equal(readRecords(journal.directory)[0]?.integrity.seq, 1);
});

test('a flush after a close that could not write everything leaves what is in the file alone', async (t) => {
  const faulty = faultyFs();
  const { journal, notes } = openJournal(t, { directory: makeDirectory(), fs: faulty.fs });
  journal.append(makeRecord());
  journal.flushSync();
  faulty.plan.code = 'ENOSPC';
  journal.append(makeRecord());
  await journal.close();
  delete faulty.plan.code;
  journal.flushSync();
  journal.closeSync();
  assert.equal(readLines(journal.directory).length, 1);
  assert.deepEqual(notes.dropped, { journal_unavailable: 1 });
  assert.deepEqual(JSON.parse(fs.readFileSync(join(journal.directory, 'stop.json'), 'utf8')), {
    clean: false,
    lastSeq: 1,
    complete: false,
  });
});

test('restores a deleted folder only after the disk takes it', async (t) => {
  const directory = makeDirectory();
  const faulty = faultyFs();
  const { journal, notes } = openJournal(t, { directory, syncIntervalMs: 5, fs: faulty.fs });
  journal.append(makeRecord());
  journal.flushSync();
  faulty.plan.code = 'ENOSPC';
  fs.rmSync(directory, { recursive: true });
  await until('the attempt fails', () => notes.warnings.some((warning) => warning.includes('ENOSPC')));
  delete faulty.plan.code;
  await until('it is back', () => fs.existsSync(join(journal.directory, '00000001.jsonl')) && readLines(journal.directory).length === 1);
});
