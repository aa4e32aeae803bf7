/** Files that cannot be read, written or closed for a moment: what is not known is not nothing. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readCursor, writeCursor } from '../../../src/delivery/cursor.js';
import { Deliverer } from '../../../src/delivery/deliverer.js';
import type { StreamSource } from '../../../src/delivery/messages.js';
import { JournalReader, START } from '../../../src/journal/reader.js';
import { openJournal } from '../../support/journals.js';
import { atNextCall, failNext } from '../../support/next-call.js';
import { scriptExporter } from '../../support/scripted-exporter.js';
import { makeRecord } from '../../support/sized-records.js';
import { makeDirectory, until } from '../../support/waiting.js';

/** Of six records in several segments, whose process is gone. */
function deadStream(t: TestContext) {
  const { journal } = openJournal(t, { directory: makeDirectory(), segmentBytes: 2000, syncIntervalMs: 1e9 });
  for (let nth = 0; nth < 6; nth += 1) {
    journal.append(makeRecord());
    journal.flushSync();
  }
  return { stream: journal.position.stream, directory: journal.directory };
}

/** Answers the sequence numbers that were offered until the stream was done with. */
async function deliverAll(t: TestContext, source: StreamSource): Promise<readonly number[]> {
  const exporter = scriptExporter();
  let isFinished = false;
  const deliverer = new Deliverer({
    exporter: 'scripted',
    create: async () => exporter,
    warn: () => undefined,
    onProgress: (progress) => {
      isFinished = progress.isFinished;
    },
    onCreated: () => undefined,
    timing: { count: 2, lingerMs: 0, pollMs: 1 },
  });
  t.after(() => deliverer.stop());
  deliverer.addStream(source);
  deliverer.start();
  await until('it is finished', () => isFinished);
  return exporter.calls.flat();
}

test('a stream whose files cannot be listed for a moment is not done with', async (t) => {
  const source = deadStream(t);
  // Once for what is read ahead, once for what is read.
  for (const _ of [1, 2]) failNext(t, 'readdir', new RegExp(`${source.stream}$`), 'EMFILE');
  assert.deepEqual(await deliverAll(t, source), [1, 2, 3, 4, 5, 6]);
});

const TOLD: Readonly<Record<string, (source: StreamSource) => Promise<StreamSource>>> = {
  'its end tells of': async (source) => ({ ...source, lastSeq: 6 }),
  'another exporter had': async (source) => {
    await writeCursor(source.directory, 'other', { ...START, seq: 6, deadLettered: 0 });
    return source;
  },
};

for (const [which, tell] of Object.entries(TOLD)) {
  test(`records that ${which} and that went with its last file are missing, and no longer waited for`, async (t) => {
    const source = await tell(deadStream(t));
    const last = readdirSync(source.directory)
      .filter((name) => name.endsWith('.jsonl'))
      .sort()
      .at(-1);
    unlinkSync(join(source.directory, String(last)));
    const delivered = await deliverAll(t, source);
    const { seq, deadLettered } = await readCursor(source.directory, 'scripted');
    assert.deepEqual([seq, deadLettered], [6, 6 - delivered.length]);
    assert.ok(deadLettered > 0);
  });
}

test('a cursor that cannot be read for a moment is neither lost nor is its stream', async (t) => {
  const source = deadStream(t);
  const reader = new JournalReader({ directory: source.directory, quarantineFile: join(source.directory, 'q'), onDamage: () => undefined });
  const { end } = await reader.read(START, 4, 1e9);
  await reader.close();
  await writeCursor(source.directory, 'scripted', { ...end, deadLettered: 0 });
  failNext(t, 'readFile', /scripted\.cursor$/, 'EMFILE');
  assert.deepEqual(await deliverAll(t, source), [5, 6]);
  assert.equal((await readCursor(source.directory, 'scripted')).seq, 6);
});

test('a compressed segment that cannot be read for a moment is not passed by', async (t) => {
  const source = deadStream(t);
  const first = join(source.directory, '00000001.jsonl');
  writeFileSync(`${first}.gz`, gzipSync(readFileSync(first)));
  unlinkSync(first);
  // A segment is looked at twice before the next one is begun.
  for (const _ of [1, 2]) failNext(t, 'readFile', /00000001\.jsonl\.gz$/);
  assert.deepEqual(await deliverAll(t, source), [1, 2, 3, 4, 5, 6]);
});

test('a cursor that could not be written is written when the disk is well again, also if nothing comes any more', async (t) => {
  const { journal } = openJournal(t, { directory: makeDirectory() });
  journal.append(makeRecord());
  journal.flushSync();
  failNext(t, 'rename', /scripted\.cursor\.\w+\.tmp$/, 'ENOSPC');
  const exporter = scriptExporter();
  const deliverer = new Deliverer({
    exporter: 'scripted',
    create: async () => exporter,
    warn: () => undefined,
    onProgress: () => undefined,
    onCreated: () => undefined,
    timing: { lingerMs: 1, pollMs: 1 },
  });
  t.after(() => deliverer.stop());
  deliverer.addStream({ stream: journal.position.stream, directory: journal.directory, tip: journal.tip.buffer });
  deliverer.start();
  await until('it is written', async () => (await readCursor(journal.directory, 'scripted')).seq === 1);
});

test('a file that was only read may fail to close', async (t) => {
  const { directory } = deadStream(t);
  atNextCall(t, 'open', /jsonl$/, async (call) => {
    const file = (await call()) as FileHandle;
    const close = file.close.bind(file);
    file.close = async () => {
      await close();
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    return file;
  });
  const reader = new JournalReader({ directory, quarantineFile: join(directory, 'q'), onDamage: () => undefined });
  await reader.read(START, 1, 1);
  await reader.close();
});
