import assert from 'node:assert/strict';
import type { FileHandle } from 'node:fs/promises';
import { test } from 'node:test';
import { openJournal } from '../../support/journals.js';
import { atNextCall } from '../../support/next-call.js';
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
