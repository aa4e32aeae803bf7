import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { type Cursor, readCursor, readCursors, syncCursor, writeCursor } from '../../../src/delivery/cursor.js';
import { latestCursorPath } from '../../../src/journal/layout.js';
import { makeDirectory } from '../../support/waiting.js';

const SYNCED: Cursor = { segment: 2, offset: 10, seq: 5, deadLettered: 1 };
const LATER: Cursor = { segment: 2, offset: 30, seq: 7, deadLettered: 2 };

async function expectCursor(directory: string, expected: Cursor): Promise<void> {
  assert.deepEqual(await readCursor(directory, 'otlp'), expected);
  assert.deepEqual([...(await readCursors(directory)).values()], [{ exporter: 'otlp', ...expected }]);
}

test('what a power cut makes of the latest cursor takes nothing from the one on the disk', async () => {
  const directory = makeDirectory();
  await syncCursor(directory, 'otlp', SYNCED);
  await writeCursor(directory, 'otlp', LATER);
  await expectCursor(directory, LATER);
  writeFileSync(latestCursorPath(directory, 'otlp'), '');
  await expectCursor(directory, SYNCED);
});

test('the cursor on the disk counts where the latest before it is left, or has read less behind the same record', async () => {
  const directory = makeDirectory();
  await writeCursor(directory, 'otlp', SYNCED);
  await syncCursor(directory, 'otlp', LATER);
  await expectCursor(directory, LATER);
  const behindDamage = { ...LATER, segment: 3, offset: 0 };
  await syncCursor(directory, 'otlp', behindDamage);
  await writeCursor(directory, 'otlp', LATER);
  await expectCursor(directory, behindDamage);
});
