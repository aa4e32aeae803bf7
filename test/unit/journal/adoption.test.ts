import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { v7 as uuidv7 } from 'uuid';
import { Adopter } from '../../../src/journal/adoption.js';
import { readStop } from '../../../src/journal/manifest.js';
import { ownIdentity } from '../../../src/journal/process-identity.js';
import { MANIFEST, openJournal } from '../../support/journals.js';
import { makeRecord } from '../../support/sized-records.js';
import { makeDirectory } from '../../support/waiting.js';

function openAdopter(directory: string, changes: Partial<ConstructorParameters<typeof Adopter>[0]> = {}): Adopter {
  return new Adopter({
    directory,
    ownStream: uuidv7(),
    manifest: MANIFEST,
    identity: ownIdentity(),
    keep: false,
    nowMs: Date.now,
    ...changes,
  });
}

/** A stream whose process died: its lease names a start time that is not this process's. */
function leaveStream(t: TestContext, directory: string, count: number): string {
  // And it looks after nothing any more.
  const { journal } = openJournal(t, { directory, syncIntervalMs: 1e9 });
  for (let nth = 0; nth < count; nth += 1) journal.append(makeRecord());
  journal.flushSync();
  fs.writeFileSync(join(journal.directory, 'lease.1.json'), JSON.stringify({ ...ownIdentity(), startTime: '1' }));
  return journal.directory;
}

test('adopts the stream of a dead process once, with what it knows of its end', async (t) => {
  const directory = makeDirectory();
  leaveStream(t, directory, 3);
  openJournal(t, { directory });
  const adopters = Array.from({ length: 8 }, () => openAdopter(directory));
  const adopted = (await Promise.all(adopters.map((adopter) => adopter.scan()))).flat();
  assert.equal(adopted.length, 1);
  assert.deepEqual([adopted[0]?.lastSeq, adopted[0]?.wasClean, adopted[0]?.lastTime], [3, false, makeRecord().observedTime]);
});

test('never adopts the stream of another service or for other destinations', async (t) => {
  const directory = makeDirectory();
  leaveStream(t, directory, 1);
  assert.deepEqual(await openAdopter(directory, { manifest: { ...MANIFEST, service: 'billing' } }).scan(), []);
  assert.deepEqual(await openAdopter(directory, { manifest: { ...MANIFEST, destinations: 'elsewhere' } }).scan(), []);
});

test('reports an unclean end to one adopter only, and does not forget it in a kept trail', async (t) => {
  const directory = makeDirectory();
  const left = leaveStream(t, directory, 1);
  const first = openAdopter(directory);
  assert.equal((await first.scan())[0]?.wasClean, false);
  await first.release();
  const second = openAdopter(directory, { keep: true });
  const [adopted] = await second.scan();
  assert.equal(adopted?.wasClean, true);
  await second.finish(adopted.stream);
  assert.deepEqual(await readStop(left), { clean: false, lastSeq: 1, complete: true });
});

test('reports another unclean end where a process only looked dead, went on, and its adopter was gone before it gave it back', async (t) => {
  const directory = makeDirectory();
  const left = leaveStream(t, directory, 3);
  fs.writeFileSync(join(left, 'stop.json'), JSON.stringify({ clean: false, lastSeq: 2, complete: false }));
  const adopter = openAdopter(directory);
  const [adopted] = await adopter.scan();
  assert.deepEqual([adopted?.lastSeq, adopted?.wasClean], [3, false]);
  await adopter.release();
  assert.equal((await openAdopter(directory).scan())[0]?.wasClean, true);
});

test('adopts at once what a living process closed with records left', async (t) => {
  const directory = makeDirectory();
  const { journal } = openJournal(t, { directory });
  journal.append(makeRecord());
  assert.deepEqual(await openAdopter(directory).scan(), []);
  await journal.close(0);
  assert.equal((await openAdopter(directory).scan())[0]?.wasClean, true);
});

for (const keep of [false, true]) {
  test(`gives a stream back whose writer only looked dead, and adopts it when it dies${keep ? ', where trails are kept' : ''}`, async (t) => {
    const directory = makeDirectory();
    const left = leaveStream(t, directory, 2);
    const lease = join(left, 'lease.1.json');
    fs.writeFileSync(lease, JSON.stringify({ ...ownIdentity(), host: 'elsewhere' }));
    const wasPaused = () => fs.utimesSync(lease, 1, 1);
    wasPaused();
    const adopter = openAdopter(directory, { keep });
    const [adopted] = await adopter.scan();
    assert.equal(adopted?.wasClean, false);
    fs.utimesSync(lease, Date.now() / 1000, Date.now() / 1000);
    await adopter.finish(adopted.stream);
    assert.deepEqual(fs.readdirSync(left).sort(), ['00000001.jsonl', 'lease.1.json', 'manifest.json']);
    assert.deepEqual(await adopter.scan(), []);
    wasPaused();
    assert.equal((await adopter.scan())[0]?.wasClean, false);
    await adopter.finish(adopted.stream);
    assert.equal(fs.existsSync(left), keep);
  });
}

test('leaves a stream to its writer that lives, also when whoever had taken it over has died with it', async (t) => {
  const directory = makeDirectory();
  const { journal } = openJournal(t, { directory });
  journal.append(makeRecord());
  fs.writeFileSync(join(journal.directory, 'lease.2.json'), JSON.stringify({ ...ownIdentity(), startTime: '1' }));
  assert.deepEqual(await openAdopter(directory).scan(), []);
  fs.writeFileSync(join(journal.directory, 'lease.1.json'), JSON.stringify({ ...ownIdentity(), startTime: '1' }));
  assert.equal((await openAdopter(directory).scan()).length, 1);
});

test('removes a finished stream, keeps its dead letters, and keeps everything with keep', async (t) => {
  const directory = makeDirectory();
  const [removed, withLetters] = [leaveStream(t, directory, 1), leaveStream(t, directory, 1)];
  fs.writeFileSync(join(withLetters, 'dead-letter.x.ndjson'), '{}\n');
  const adopter = openAdopter(directory);
  for (const { stream } of await adopter.scan()) await adopter.finish(stream);
  assert.ok(!fs.existsSync(removed));
  assert.deepEqual(
    fs.readdirSync(withLetters).filter((name) => name.endsWith('.jsonl') || name.startsWith('dead')),
    ['dead-letter.x.ndjson'],
  );
  const kept = leaveStream(t, directory, 1);
  const keeper = openAdopter(directory, { keep: true });
  for (const { stream } of await keeper.scan()) await keeper.finish(stream);
  assert.ok(fs.existsSync(join(kept, '00000001.jsonl')));
  assert.deepEqual(await openAdopter(directory).scan(), []);
});
