import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { followsLink, verifyLine } from '../../../src/journal/chain.js';
import { createJournal } from '../../../src/journal/journal.js';
import type { AuditIntegrity } from '../../../src/record.js';
import { MANIFEST, openJournal, readLines, readRecords } from '../../support/journals.js';
import { makeRecord, makeSizedRecord } from '../../support/sized-records.js';
import { makeDirectory, until } from '../../support/waiting.js';

const modeOf = (path: string) => fs.statSync(path).mode & 0o777;

function assertChain(streamDirectory: string, count: number): void {
  let previous: AuditIntegrity | undefined;
  for (const line of readLines(streamDirectory)) {
    const verified = verifyLine(line);
    assert.ok('record' in verified);
    assert.ok(followsLink(verified.record, previous));
    previous = verified.record.integrity;
  }
  assert.equal(previous?.seq, count);
}

/** The file system, with something done before each write. */
function hookFs(before: { readonly writeSync: () => void; readonly write?: () => void }) {
  const writeSync = (...args: [number, Uint8Array, number, number, number]) => {
    before.writeSync();
    return fs.writeSync(...args);
  };
  const write = (...args: Parameters<typeof fs.write>) => {
    before.write?.();
    fs.write(...args);
  };
  return { ...fs, writeSync: writeSync as typeof fs.writeSync, write: write as typeof fs.write };
}

test('writes the records of a tick with one write, at the end of that tick', async (t) => {
  let writes = 0;
  const counting = hookFs({
    writeSync: () => {
      writes += 1;
    },
  });
  const { journal, notes } = openJournal(t, { directory: makeDirectory(), fs: counting });
  for (let nth = 0; nth < 100; nth += 1) assert.ok(journal.append(makeRecord()));
  assert.equal(notes.written, 0);
  await new Promise(setImmediate);
  assert.equal(notes.written, 100);
  assert.equal(writes, 1);
  assert.equal(journal.tip.writtenSeq, 100);
  assertChain(journal.directory, 100);
});

test('takes 10,000 records in one tick without a loss', (t) => {
  const { journal, notes } = openJournal(t, { directory: makeDirectory() });
  for (let nth = 0; nth < 10_000; nth += 1) journal.append(makeSizedRecord(2048));
  journal.flushSync();
  assert.deepEqual([notes.written, notes.dropped], [10_000, {}]);
  assertChain(journal.directory, 10_000);
});

test('takes 10,000 records in one tick without a loss on a disk that is slow', (t) => {
  let nowMs = 0;
  const writeSync = (...args: Parameters<typeof fs.writeSync>) => {
    nowMs += 25;
    return fs.writeSync(...args);
  };
  const slow = { ...fs, writeSync: writeSync as typeof fs.writeSync };
  const clock = { nowMs: () => Date.now(), monotonicMs: () => nowMs };
  const { journal, notes } = openJournal(t, { directory: makeDirectory(), fs: slow, clock });
  for (let nth = 0; nth < 10_000; nth += 1) journal.append(makeSizedRecord(2048));
  assert.match(notes.warnings.join(), /writing asynchronously/);
  journal.flushSync();
  assert.deepEqual([notes.written, notes.dropped], [10_000, {}]);
  assertChain(journal.directory, 10_000);
});

test('syncs after so many bytes, without waiting for the interval', async (t) => {
  let syncs = 0;
  const fdatasync: typeof fs.fdatasync = Object.assign((fd: number, done: fs.NoParamCallback) => {
    syncs += 1;
    fs.fdatasync(fd, done);
  }, fs.fdatasync);
  const { journal } = openJournal(t, { directory: makeDirectory(), fs: { ...fs, fdatasync }, syncIntervalMs: 60_000, syncBytes: 20_000 });
  for (let nth = 0; nth < 5; nth += 1) journal.append(makeSizedRecord(2048));
  journal.flushSync();
  await new Promise(setImmediate);
  assert.equal(syncs, 0);
  for (let nth = 0; nth < 6; nth += 1) journal.append(makeSizedRecord(2048));
  journal.flushSync();
  await until('it is synced', () => syncs === 1);
});

test('keeps files and directories to the user', (t) => {
  const directory = join(makeDirectory(), 'journal');
  const { journal } = openJournal(t, { directory });
  journal.append(makeRecord());
  journal.flushSync();
  assert.equal(modeOf(directory), 0o700);
  assert.equal(modeOf(journal.directory), 0o700);
  for (const name of fs.readdirSync(journal.directory)) assert.equal(modeOf(join(journal.directory, name)), 0o600, name);
});

test('refuses a directory that is a link, and says which setting names it', () => {
  const root = makeDirectory();
  fs.mkdirSync(join(root, 'real'));
  fs.symlinkSync(join(root, 'real'), join(root, 'link'));
  const open = () => createJournal({ directory: join(root, 'link'), manifest: MANIFEST, maxBytes: 1e6 });
  assert.throws(open, { code: 'ERR_AUDIT_JOURNAL', message: /is a link.*; set AUDIT_JOURNAL_DIR to/ });
  const openTrail = () => createJournal({ directory: join(root, 'link'), manifest: MANIFEST, maxBytes: 1e6, keep: true });
  assert.throws(openTrail, { code: 'ERR_AUDIT_JOURNAL', message: /is a link.*; set AUDIT_FILE_DIR to/ });
});

test('refuses a directory of another user, and one below it', { skip: process.getuid?.() !== 0 && 'needs root to make one' }, () => {
  const root = makeDirectory();
  fs.mkdirSync(join(root, 'theirs', 'ours'), { recursive: true });
  fs.chownSync(join(root, 'theirs'), 4711, 4711);
  for (const directory of [join(root, 'theirs'), join(root, 'theirs', 'ours')]) {
    assert.throws(() => createJournal({ directory, manifest: MANIFEST, maxBytes: 1e6 }), {
      code: 'ERR_AUDIT_JOURNAL',
      message: /another user/,
    });
  }
});

test('rotates between lines and keeps the chain across segments', (t) => {
  const { journal } = openJournal(t, { directory: makeDirectory(), segmentBytes: 20_000 });
  for (let nth = 0; nth < 100; nth += 1) {
    journal.append(makeRecord());
    journal.flushSync();
  }
  assert.ok(fs.readdirSync(journal.directory).filter((name) => name.endsWith('.jsonl')).length > 5);
  assertChain(journal.directory, 100);
});

test('trims only segments before the one it is told, and never with keep', async (t) => {
  for (const keep of [false, true]) {
    const { journal } = openJournal(t, { directory: makeDirectory(), segmentBytes: 5000, keep });
    for (let nth = 0; nth < 20; nth += 1) {
      journal.append(makeRecord());
      journal.flushSync();
    }
    const before = journal.bytes;
    await journal.trim(3);
    assert.equal(fs.existsSync(join(journal.directory, '00000002.jsonl')), keep);
    assert.ok(fs.existsSync(join(journal.directory, '00000003.jsonl')));
    assert.equal(journal.bytes < before, !keep);
  }
});

test('writes asynchronously when asked, in order', async (t) => {
  const { journal, notes } = openJournal(t, { directory: makeDirectory(), write: 'async' });
  for (let nth = 0; nth < 300; nth += 1) {
    journal.append(makeRecord());
    if (nth % 10 === 0) await new Promise(setImmediate);
  }
  await journal.sync();
  assert.equal(notes.written, 300);
  assertChain(journal.directory, 300);
});

test('a flush that overtakes an asynchronous write leaves every line once', async (t) => {
  const { journal } = openJournal(t, { directory: makeDirectory(), write: 'async' });
  for (let round = 0; round < 50; round += 1) {
    for (let nth = 0; nth < 20; nth += 1) journal.append(makeRecord());
    await new Promise(setImmediate);
    journal.append(makeRecord());
    journal.flushSync();
  }
  await journal.sync();
  assertChain(journal.directory, 1050);
});

test('goes over to asynchronous writes when one took too long, and comes back', async (t) => {
  let delayMs = 30;
  let clockMs = 0;
  let asyncWrites = 0;
  const slow = hookFs({
    writeSync: () => {
      clockMs += delayMs;
    },
    write: () => {
      asyncWrites += 1;
    },
  });
  const { journal, notes } = openJournal(t, {
    directory: makeDirectory(),
    fs: slow,
    clock: { nowMs: Date.now, monotonicMs: () => clockMs },
  });
  const appendAndWait = async () => {
    journal.append(makeRecord());
    await until('it is written', () => notes.written === journal.position.seq);
  };
  await appendAndWait();
  assert.match(notes.warnings.join(), /took 30 ms/);
  delayMs = 0;
  for (let nth = 0; nth < 25; nth += 1) await appendAndWait();
  assert.equal(asyncWrites, 20);
  assertChain(journal.directory, 26);
});

test('ends a stream with a stop file, or removes it when everything is delivered', async (t) => {
  const directory = makeDirectory();
  const [first, second, kept] = [openJournal(t, { directory }), openJournal(t, { directory }), openJournal(t, { directory, keep: true })];
  for (const { journal } of [first, second, kept]) journal.append(makeRecord());
  await first.journal.close(0);
  await second.journal.close(1);
  await kept.journal.close(1);
  assert.deepEqual(JSON.parse(fs.readFileSync(join(first.journal.directory, 'stop.json'), 'utf8')), {
    clean: true,
    lastSeq: 1,
    complete: false,
  });
  assert.ok(!fs.existsSync(second.journal.directory));
  assert.equal(readRecords(kept.journal.directory).length, 1);
  assert.deepEqual(
    fs.readdirSync(directory).filter((name) => name.startsWith('.')),
    [],
  );
  assert.equal(first.journal.append(makeRecord()), false);
  assert.deepEqual(first.notes.dropped, { journal_closed: 1 });
});
