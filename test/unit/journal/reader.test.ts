import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { segmentPath } from '../../../src/journal/layout.js';
import { JournalReader, type ReadBatch, type ReadPosition, START } from '../../../src/journal/reader.js';
import { readLastRecord } from '../../../src/journal/tail.js';
import { openJournal } from '../../support/journals.js';
import { makeRecord, makeSizedRecord } from '../../support/sized-records.js';
import { makeDirectory } from '../../support/waiting.js';

function fill(t: TestContext, count: number, segmentBytes = 1e6, bytes = 1500) {
  const { journal } = openJournal(t, { directory: makeDirectory(), segmentBytes });
  for (let nth = 0; nth < count; nth += 1) {
    journal.append(bytes === 1500 ? makeRecord() : makeSizedRecord(bytes));
    journal.flushSync();
  }
  const damages: string[] = [];
  const quarantineFile = join(journal.directory, 'quarantine.test.txt');
  const reader = new JournalReader({
    directory: journal.directory,
    quarantineFile,
    onDamage: (what, lines) => damages.push(`${what} ${lines}`),
  });
  t.after(() => reader.close());
  return { journal, reader, damages, quarantineFile };
}

async function readAll(
  reader: JournalReader,
  maxCount = 500,
  maxBytes = 1e6,
): Promise<{ seqs: number[]; skipped: number; last: ReadBatch }> {
  const seqs: number[] = [];
  let skipped = 0;
  for (let from: ReadPosition = START; ; ) {
    const batch = await reader.read(from, maxCount, maxBytes);
    assert.ok(batch.entries.length <= maxCount);
    seqs.push(...batch.entries.map((entry) => entry.position.seq));
    skipped += batch.skipped + batch.entries.reduce((sum, entry) => sum + entry.skipped, 0);
    if (!batch.isMore) return { seqs, skipped, last: batch };
    from = batch.end;
  }
}

const upTo = (count: number, except: readonly number[] = []) =>
  Array.from({ length: count }, (_, nth) => nth + 1).filter((seq) => !except.includes(seq));

test('reads every record once and in order, across segments, in batches', async (t) => {
  const { reader } = fill(t, 60, 10_000);
  assert.deepEqual((await readAll(reader, 7)).seqs, upTo(60));
  assert.deepEqual((await readAll(reader, 500, 4000)).seqs, upTo(60));
});

test('goes on from behind any record', async (t) => {
  const { reader } = fill(t, 10, 5000);
  const { entries } = await reader.read(START, 500, 1e6);
  for (const { position } of entries) {
    const rest = await reader.read(position, 500, 1e6);
    assert.equal(rest.entries.length, 10 - position.seq);
  }
});

test('reads a line longer than its buffer', async (t) => {
  const { reader } = fill(t, 3, 1e7, 600_000);
  assert.deepEqual((await readAll(reader)).seqs, [1, 2, 3]);
});

test('follows a stream that is being written, also into a new segment', async (t) => {
  const { journal, reader } = fill(t, 5, 3000);
  let from = (await reader.read(START, 500, 1e6)).end;
  for (let seq = 6; seq < 30; seq += 1) {
    journal.append(makeRecord());
    journal.flushSync();
    const batch = await reader.read(from, 500, 1e6);
    assert.deepEqual(
      batch.entries.map((entry) => entry.position.seq),
      [seq],
    );
    from = batch.end;
  }
});

test('misses nothing when a segment is written and closed between its looks', async (t) => {
  const { journal, reader, damages } = fill(t, 1, 2500);
  const count = 601;
  const seqs: number[] = [];
  const writing = (async () => {
    while (journal.position.seq < count) {
      for (let nth = 0; nth < 3; nth += 1) {
        journal.append(makeRecord());
        journal.flushSync();
      }
      // Only while the reader is at the end do its looks race with what is written.
      while (seqs.length < journal.position.seq && damages.length === 0) await new Promise(setImmediate);
    }
  })();
  for (let from: ReadPosition = START; seqs.length < count && damages.length === 0; ) {
    const batch = await reader.read(from, 3, 1e6);
    seqs.push(...batch.entries.map((entry) => entry.position.seq));
    from = batch.end;
  }
  assert.deepEqual([seqs.length, damages], [journal.position.seq, []]);
  await writing;
});

test('stops before a torn end and reports it', async (t) => {
  const { journal, reader, damages } = fill(t, 5);
  fs.appendFileSync(segmentPath(journal.directory, 1), '{"action":"order.cre');
  const { seqs, last } = await readAll(reader);
  assert.deepEqual([seqs, last.tornBytes, damages], [upTo(5), 20, []]);
});

test('sets a damaged line aside, counts it, and reads on', async (t) => {
  const { journal, reader, damages, quarantineFile } = fill(t, 9);
  const path = segmentPath(journal.directory, 1);
  const lines = fs.readFileSync(path, 'utf8').split('\n');
  lines[2] = 'no json';
  lines[5] = String(lines[5]).replace('order.created', 'order.deleted');
  fs.writeFileSync(path, lines.join('\n'));
  const { seqs, skipped } = await readAll(reader);
  assert.deepEqual(seqs, upTo(9, [3, 6]));
  assert.equal(skipped, 2);
  assert.deepEqual(damages, ['not-json 1', 'wrong-hash 1']);
  assert.equal(fs.readFileSync(quarantineFile, 'utf8'), `no json\n${lines[5]}\n`);
});

test('counts the records of a missing segment', async (t) => {
  const { journal, reader, damages } = fill(t, 30, 10_000);
  fs.unlinkSync(segmentPath(journal.directory, 2));
  const { seqs, skipped } = await readAll(reader);
  assert.equal(seqs.length + skipped, 30);
  assert.deepEqual(damages, [`missing ${skipped}`]);
  assert.ok(skipped > 0);
});

test('finds the last whole record from the end', async (t) => {
  const { journal } = fill(t, 30, 10_000);
  const newest =
    fs
      .readdirSync(journal.directory)
      .filter((name) => name.endsWith('.jsonl'))
      .sort()
      .at(-1) ?? '';
  fs.appendFileSync(join(journal.directory, newest), 'torn');
  assert.equal((await readLastRecord(journal.directory))?.integrity.seq, 30);
  const empty = fill(t, 0);
  assert.equal(await readLastRecord(empty.journal.directory), undefined);
});
