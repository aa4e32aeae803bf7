import assert from 'node:assert/strict';
import { chmodSync, mkdirSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openJournal } from '../../support/journals.js';
import { atNextCall, failNext } from '../../support/next-call.js';
import { makeRecord } from '../../support/sized-records.js';
import { makeDirectory } from '../../support/waiting.js';

test('records are durable only with the manifest, without which nobody would find them', async (t) => {
  const { journal } = openJournal(t, { directory: makeDirectory(), syncIntervalMs: 1e9 });
  let isSynced = false;
  atNextCall(t, 'open', /manifest\.json$/, async (call) => {
    const file = (await call()) as FileHandle;
    const sync = file.sync.bind(file);
    file.sync = async () => {
      await sync();
      isSynced = true;
    };
    return file;
  });
  journal.append(makeRecord());
  await journal.sync();
  assert.ok(isSynced);
});

test('a directory above that even its owner cannot read is left as it is', async (t) => {
  const closed = join(makeDirectory(), 'closed');
  mkdirSync(join(closed, 'above'), { recursive: true });
  chmodSync(closed, 0o311);
  t.after(() => chmodSync(closed, 0o700));
  // As it is for everybody but root.
  failNext(t, 'open', /closed$/, 'EACCES');
  const { journal } = openJournal(t, { directory: join(closed, 'above', 'journal'), syncIntervalMs: 1e9 });
  journal.append(makeRecord());
  await journal.sync();
});

test('a directory above that cannot be synced keeps records from being said to be durable, until it can', async (t) => {
  const above = makeDirectory();
  const { journal } = openJournal(t, { directory: join(above, 'journal'), syncIntervalMs: 1e9 });
  journal.append(makeRecord());
  failNext(t, 'open', new RegExp(`^${above}$`));
  await assert.rejects(journal.sync(), { code: 'EIO' });
  await journal.sync();
});
