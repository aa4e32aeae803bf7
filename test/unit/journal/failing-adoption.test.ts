/** What a disk that fails for a moment, or a process that ends at the wrong one, must not do to the streams of others. */

import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { v7 as uuidv7 } from 'uuid';
import { Adopter } from '../../../src/journal/adoption.js';
import { ownIdentity } from '../../../src/journal/process-identity.js';
import { MANIFEST, openJournal } from '../../support/journals.js';
import { atNextCall, failNext } from '../../support/next-call.js';
import { makeRecord } from '../../support/sized-records.js';
import { makeDirectory } from '../../support/waiting.js';

const adopterOf = (directory: string, keep = false): Adopter =>
  new Adopter({ directory, ownStream: uuidv7(), manifest: MANIFEST, identity: ownIdentity(), keep, nowMs: Date.now });

function leaveStream(t: TestContext, directory: string): string {
  const { journal } = openJournal(t, { directory, syncIntervalMs: 1e9 });
  for (let nth = 0; nth < 3; nth += 1) journal.append(makeRecord());
  journal.flushSync();
  writeFileSync(join(journal.directory, 'lease.1.json'), JSON.stringify({ ...ownIdentity(), startTime: '1' }));
  return journal.directory;
}

const segmentsIn = (directory: string): readonly string[] => readdirSync(directory).filter((name) => name.endsWith('.jsonl'));

test('a stream whose end could not be noted on a full disk is adopted at the next scan, and once', async (t) => {
  const directory = makeDirectory();
  leaveStream(t, directory);
  const adopter = adopterOf(directory);
  failNext(t, 'open', /stop\.json/, 'ENOSPC');
  assert.deepEqual(await adopter.scan(), []);
  assert.deepEqual(await adopterOf(directory).scan(), [], 'it is held');
  const [adopted] = await adopter.scan();
  assert.deepEqual([adopted?.lastSeq, adopted?.wasClean], [3, false]);
  assert.deepEqual(await adopter.scan(), []);
});

test('a stream that could not be adopted is given back', async (t) => {
  const directory = makeDirectory();
  leaveStream(t, directory);
  const adopter = adopterOf(directory);
  failNext(t, 'open', /stop\.json/, 'ENOSPC');
  await adopter.scan();
  await adopter.release();
  assert.equal((await adopterOf(directory).scan()).length, 1);
});

test('a stop that cannot be read is not taken for none', async (t) => {
  const directory = makeDirectory();
  const { journal } = openJournal(t, { directory });
  journal.append(makeRecord());
  await journal.close(0);
  for (const nth of [0, 1]) {
    const adopter = adopterOf(directory);
    failNext(t, 'readFile', /stop\.json/, 'EMFILE', nth);
    assert.deepEqual(await adopter.scan(), []);
    await adopter.release();
  }
  assert.equal((await adopterOf(directory).scan())[0]?.wasClean, true);
});

test('a process that closes its stream between our look and our lease has ended cleanly', async (t) => {
  const directory = makeDirectory();
  const { journal } = openJournal(t, { directory });
  journal.append(makeRecord());
  // The lease is read right after the stop was looked for.
  atNextCall(t, 'readdir', new RegExp(journal.position.stream), async (call) => {
    await journal.close(0);
    return await call();
  });
  const [adopted] = await adopterOf(directory).scan();
  assert.deepEqual([adopted?.lastSeq, adopted?.wasClean], [1, true]);
});

test('a kept trail whose files cannot be listed is not taken for an empty one', async (t) => {
  const directory = makeDirectory();
  const stream = leaveStream(t, directory);
  const adopter = adopterOf(directory, true);
  failNext(t, 'readdir', new RegExp(`${stream}$`), 'EMFILE', 1);
  for (const adopted of [await adopter.scan(), await adopter.scan()].flat()) await adopter.finish(adopted.stream);
  assert.deepEqual(segmentsIn(stream), ['00000001.jsonl']);
});

test('a delivered stream that could not be removed is removed at the next scan', async (t) => {
  const directory = makeDirectory();
  const stream = leaveStream(t, directory);
  const adopter = adopterOf(directory);
  const [adopted] = await adopter.scan();
  failNext(t, 'rename', new RegExp(`${stream}$`));
  await assert.rejects(adopter.finish(adopted?.stream ?? ''));
  assert.ok(existsSync(stream));
  await adopter.scan();
  assert.ok(!existsSync(stream));
});

test('a stream with dead letters is complete only once its segments are gone, so that the next process ends what was cut short', async (t) => {
  const directory = makeDirectory();
  const stream = leaveStream(t, directory);
  writeFileSync(join(stream, 'dead-letter.x.ndjson'), '{}\n');
  const first = adopterOf(directory);
  const [adopted] = await first.scan();
  failNext(t, 'unlink', /jsonl$/);
  await assert.rejects(first.finish(adopted?.stream ?? ''));
  await first.release();
  const second = adopterOf(directory);
  const [again] = await second.scan();
  assert.deepEqual([again?.lastSeq, again?.wasClean], [3, true]);
  await second.finish(again?.stream ?? '');
  assert.deepEqual(segmentsIn(stream), []);
  assert.deepEqual(await adopterOf(directory).scan(), []);
});

test('a stream that was removed while its process seemed dead, and goes on, is adopted again when that is over', async (t) => {
  const directory = makeDirectory();
  const stream = leaveStream(t, directory);
  const kept = join(makeDirectory(), 'copy');
  cpSync(stream, kept, { recursive: true });
  const adopter = adopterOf(directory);
  await adopter.finish((await adopter.scan())[0]?.stream ?? '');
  assert.ok(!existsSync(stream));
  cpSync(kept, stream, { recursive: true });
  assert.equal((await adopter.scan()).length, 1);
});
