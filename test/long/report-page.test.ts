/** The report in a real browser (Chromium comes as an npm package): it is seen whole, at any width and in the dark, and asks nobody for anything. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { reportPage } from '../../src/report/page.js';
import { makeReport } from '../../src/report/report.js';
import { installFixture } from '../support/fixtures.js';
import { manyRecords, trailOf } from '../support/report-trail.js';
import { makeDirectory } from '../support/waiting.js';

interface Look {
  readonly scrollWidth: number;
  readonly clientWidth: number;
  readonly ground: string;
  readonly headings: readonly (readonly [string, number])[];
  readonly columns: readonly number[];
  readonly cards: readonly string[];
  readonly bytes: number;
}

interface Seen {
  readonly complaints: readonly string[];
  readonly requests: readonly string[];
  readonly looks: Readonly<Record<'wide' | 'narrow' | 'dark', Look>>;
}

// `AUDIT_TEST_PICTURES` names a directory for the pictures, to be looked at.
test('a report is whole in a browser', { timeout: 300_000 }, async () => {
  const fixture = await installFixture('runtimes/browser');
  const directory = makeDirectory();
  const file = path.join(directory, 'report.html');
  writeFileSync(file, reportPage(await makeReport({ trail: trailOf(manyRecords(5000)), version: '1.2.3', nowMs: Date.now() })));
  const pictures = process.env['AUDIT_TEST_PICTURES'] ?? path.join(directory, 'pictures');
  const { stdout } = await promisify(execFile)(process.execPath, [path.join(fixture, 'look.js'), file, pictures], { maxBuffer: 1e8 });
  const { complaints, requests, looks } = JSON.parse(stdout) as Seen;
  assert.deepEqual(complaints, []);
  assert.deepEqual(
    requests.filter((url) => !url.startsWith('file:')),
    [],
  );
  for (const [name, look] of Object.entries(looks)) {
    assert.ok(look.scrollWidth <= look.clientWidth, `${name}: nothing is cut off at the side`);
    assert.equal(look.headings.length, 11, name);
    assert.ok(
      look.headings.every(([, height]) => height > 10),
      name,
    );
    assert.ok(look.columns.length > 50 && Math.max(...look.columns) > 40, `${name}: the columns of the chart can be seen`);
    assert.match(look.cards[0] ?? '', /^5,000\s*records$/);
    assert.ok(look.bytes > 50_000, `${name}: the picture shows something`);
  }
  assert.notEqual(looks.dark.ground, looks.wide.ground);
});
