import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { it } from 'node:test';
import { canonicalize } from '../../src/canonical.js';
import { createOpening } from '../../src/subjects/opening.js';
import { createSealing } from '../../src/subjects/sealing.js';
import { chained, exampleRecord } from '../../src/testing/records.js';
import { openFileTrail } from '../../src/trail/file-trail.js';
import type { RecordFilter } from '../../src/trail/filter.js';
import { withOpening } from '../../src/trail/opened-trail.js';
import { makeDirectory } from '../support/waiting.js';

it('finds encrypted records by what bodies and e-mails say, newest first, and answers them as they are stored', async (t) => {
  const directory = makeDirectory();
  t.after(() => rmSync(directory, { recursive: true }));
  const keys = path.join(directory, 'keys');
  const seal = createSealing(keys, (error) => assert.fail(String(error)));
  const records = chained([1, 2, 3, 4].map((n) => seal(exampleRecord(n))));
  mkdirSync(path.join(directory, 'trail'));
  writeFileSync(path.join(directory, 'trail', '00000001.jsonl'), records.map((record) => `${canonicalize(record)}\n`).join(''));
  const trail = withOpening(openFileTrail(path.join(directory, 'trail')), createOpening(keys));
  const find = async (filter: RecordFilter, limit = 100): Promise<readonly unknown[]> => {
    const found: unknown[] = [];
    for await (const record of trail.search(filter, { limit })) found.push(canonicalize(record));
    return found;
  };
  const [one, two, three, four] = records.map(canonicalize);
  assert.deepEqual(await find({ text: 'created "3"' }), [three]);
  assert.deepEqual(await find({ text: 'created' }, 2), [four, three]);
  assert.deepEqual(await find({ actor: 'user-2@example.com' }), [two]);
  assert.deepEqual(await find({ actor: 'user-2@example.com', text: 'created "3"' }), []);
  assert.deepEqual(await find({ actor: 'user-1' }), [one]);
});
