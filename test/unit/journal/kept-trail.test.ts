/** The kept trail: compressed where it is closed, deleted where it is old, and read all the same. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { canCompress } from '../../../src/journal/compression.js';
import { type KeptTrailOptions, tendTrail } from '../../../src/journal/kept-trail.js';
import { JournalReader, START } from '../../../src/journal/reader.js';
import { readLastRecord } from '../../../src/journal/tail.js';
import { openJournal } from '../../support/journals.js';
import { makeRecord } from '../../support/sized-records.js';
import { makeDirectory, until } from '../../support/waiting.js';

const DAY_MS = 86_400_000;

/** A stream of five segments, three records each. */
function fill(t: TestContext, directory: string) {
  const { journal } = openJournal(t, { directory, keep: true, segmentBytes: 3000 });
  for (let nth = 0; nth < 15; nth += 1) {
    journal.append(makeRecord());
    journal.flushSync();
  }
  const segments = (): string[] => readdirSync(journal.directory).filter((name) => name.startsWith('0000'));
  assert.equal(segments().length, 5);
  return { journal, segments, stream: journal.position.stream };
}

function optionsOf(directory: string, changes: Partial<KeptTrailOptions>): KeptTrailOptions {
  return { directory, ownStream: 'none', compression: 'none', retainDays: 0, nowMs: () => Date.now(), ...changes };
}

async function readSeqs(directory: string): Promise<readonly number[]> {
  const reader = new JournalReader({ directory, quarantineFile: join(directory, 'q.txt'), onDamage: () => assert.fail('damage') });
  const { entries } = await reader.read(START, 100, 1e9);
  await reader.close();
  return entries.map(({ position }) => position.seq);
}

const ALL = Array.from({ length: 15 }, (_, nth) => nth + 1);

test('compresses what is closed and not needed, and readers read it', async (t) => {
  const directory = makeDirectory();
  const { journal, segments, stream } = fill(t, directory);
  const first = join(journal.directory, '00000001.jsonl');
  const text = readFileSync(first, 'utf8');
  const { mtimeMs } = statSync(first);
  await tendTrail(optionsOf(directory, { ownStream: stream, compression: 'gzip' }), 4);
  assert.deepEqual(segments(), ['00000001.jsonl.gz', '00000002.jsonl.gz', '00000003.jsonl.gz', '00000004.jsonl', '00000005.jsonl']);
  assert.equal(gunzipSync(readFileSync(`${first}.gz`)).toString(), text);
  assert.equal(statSync(`${first}.gz`).mode & 0o777, 0o600);
  assert.ok(Math.abs(statSync(`${first}.gz`).mtimeMs - mtimeMs) < 1000);
  assert.deepEqual(await readSeqs(journal.directory), ALL);
});

test('several processes may do it at once, also after one that was killed in the middle', async (t) => {
  const directory = makeDirectory();
  const { journal, segments } = fill(t, directory);
  await journal.close(15);
  writeFileSync(join(journal.directory, '00000001.jsonl.gz'), 'half');
  const abandoned = join(journal.directory, '00000002.jsonl.gz.0123.tmp');
  writeFileSync(abandoned, 'half');
  utimesSync(abandoned, 1, 1);
  const round = () => tendTrail(optionsOf(directory, { compression: 'gzip' }), 0).catch(() => undefined);
  await Promise.all([round(), round(), round()]);
  await round();
  assert.deepEqual(
    segments().filter((name) => name !== '00000002.jsonl.gz.0123.tmp' && !name.endsWith('.jsonl.gz')),
    [],
  );
  assert.equal(existsSync(abandoned), false);
  assert.deepEqual(await readSeqs(journal.directory), ALL);
  assert.equal((await readLastRecord(journal.directory))?.integrity.seq, 15);
});

test('deletes segments by their age, and a stream with the last of them', async (t) => {
  const directory = makeDirectory();
  const { journal, segments } = fill(t, directory);
  await journal.close(15);
  const old = (Date.now() - 8 * DAY_MS) / 1000;
  for (const name of segments().slice(0, 2)) utimesSync(join(journal.directory, name), old, old);
  const options = optionsOf(directory, { retainDays: 7 });
  await tendTrail(options, 0);
  assert.deepEqual(segments(), ['00000003.jsonl', '00000004.jsonl', '00000005.jsonl']);
  await tendTrail({ ...options, nowMs: () => Date.now() + 8 * DAY_MS }, 0);
  assert.equal(existsSync(journal.directory), false);
});

test('leaves alone what somebody still needs: a stream that is not delivered, the segment being written', async (t) => {
  const directory = makeDirectory();
  const own = fill(t, directory);
  const waiting = fill(t, directory);
  await waiting.journal.close(3);
  const later = () => Date.now() + 100 * DAY_MS;
  await tendTrail(optionsOf(directory, { ownStream: own.stream, compression: 'gzip', retainDays: 7, nowMs: later }), 5);
  assert.deepEqual(own.segments(), ['00000005.jsonl']);
  assert.equal(waiting.segments().filter((name) => name.endsWith('.jsonl')).length, 5);
});

test('is done by the journal itself, as far as its exporters are', async (t) => {
  const directory = makeDirectory();
  const clock = { nowMs: () => Date.now(), monotonicMs: () => elapsedMs };
  let elapsedMs = 0;
  const trail = { compression: 'gzip', retainDays: 0 } as const;
  const { journal } = openJournal(t, { directory, keep: true, segmentBytes: 3000, syncIntervalMs: 5, clock, trail });
  for (let nth = 0; nth < 15; nth += 1) {
    journal.append(makeRecord());
    journal.flushSync();
  }
  await journal.trim(3);
  elapsedMs = 400_000;
  const has = (name: string) => existsSync(join(journal.directory, name));
  await until('the first two are compressed', () => has('00000002.jsonl.gz') && !has('00000002.jsonl'));
  assert.ok(has('00000003.jsonl'));
});

test('zstd is there where Node has it', async (t) => {
  const directory = makeDirectory();
  const { journal, segments } = fill(t, directory);
  await journal.close(15);
  const round = tendTrail(optionsOf(directory, { compression: 'zstd' }), 0);
  if (canCompress('zstd')) {
    await round;
    assert.ok(segments().every((name) => name.endsWith('.zst')));
  } else await assert.rejects(round, /no zstd/);
  assert.deepEqual(await readSeqs(journal.directory), ALL);
});
