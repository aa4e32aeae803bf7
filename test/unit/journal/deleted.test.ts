/** Files that are deleted, or seem to be, while they are written. */

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { JournalFs } from '../../../src/journal/segment.js';
import { openJournal, readRecords } from '../../support/journals.js';
import { makeRecord } from '../../support/sized-records.js';
import { makeDirectory, until } from '../../support/waiting.js';

const seqsIn = (directory: string): readonly number[] => readRecords(directory).map(({ integrity }) => integrity.seq);

test('a segment that was deleted is put back before another is begun', async (t) => {
  const { journal, notes } = openJournal(t, { directory: makeDirectory(), segmentBytes: 1000, syncIntervalMs: 5 });
  const append = (): void => {
    journal.append(makeRecord());
    journal.flushSync();
  };
  append();
  fs.unlinkSync(join(journal.directory, '00000001.jsonl'));
  append();
  await until('it is put back', () => notes.warnings.some((warning) => warning.includes('was deleted')));
  append();
  assert.deepEqual(seqsIn(journal.directory), [1, 2, 3]);
  assert.equal(fs.readdirSync(journal.directory).filter((name) => name.endsWith('.jsonl')).length, 2);
});

test('a segment of which nobody can tell whether it was deleted is put back before another is begun', async (t) => {
  let isDenied = true;
  const statSync = (path: fs.PathLike): fs.Stats => {
    if (isDenied) throw Object.assign(new Error('EACCES'), { code: 'EACCES' });
    return fs.statSync(path);
  };
  const disk = { ...fs, statSync } as unknown as JournalFs;
  const { journal, notes } = openJournal(t, { directory: makeDirectory(), segmentBytes: 1000, syncIntervalMs: 5, fs: disk });
  const append = (): void => {
    journal.append(makeRecord());
    journal.flushSync();
  };
  append();
  fs.unlinkSync(join(journal.directory, '00000001.jsonl'));
  append();
  isDenied = false;
  await until('it is put back', () => notes.warnings.some((warning) => warning.includes('was deleted')));
  assert.deepEqual(seqsIn(journal.directory), [1, 2]);
});

test('a segment that only seemed to be deleted keeps what is in it', async (t) => {
  let lies = 0;
  const statSync = (path: fs.PathLike): fs.Stats => {
    lies += 1;
    if (lies === 1) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
    return fs.statSync(path);
  };
  // Were it written anew, that would fail.
  const writeSync = (...args: Parameters<typeof fs.writeSync>): number => {
    if (lies === 1) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
    return fs.writeSync(...args);
  };
  const disk = { ...fs, statSync, writeSync } as unknown as JournalFs;
  const { journal } = openJournal(t, { directory: makeDirectory(), syncIntervalMs: 5, fs: disk });
  for (let nth = 0; nth < 3; nth += 1) journal.append(makeRecord());
  journal.flushSync();
  await until('it has looked again', () => lies > 2);
  assert.deepEqual(seqsIn(journal.directory), [1, 2, 3]);
});

test('a folder that was deleted before the first record is made anew', async (t) => {
  const { journal } = openJournal(t, { directory: makeDirectory(), syncIntervalMs: 5 });
  fs.rmSync(journal.directory, { recursive: true });
  journal.append(makeRecord());
  await until('it is written', () => journal.tip.writtenSeq === 1);
  assert.deepEqual(seqsIn(journal.directory), [1]);
  assert.ok(fs.existsSync(join(journal.directory, 'manifest.json')));
});
