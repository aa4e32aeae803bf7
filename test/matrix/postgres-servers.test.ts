/** The tests of the Postgres exporter, of its command line and proof, and of row changes on the oldest server that is supported and on the newest that npm has. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { installFixture } from '../support/fixtures.js';
import { ROOT } from '../support/service.js';

const SERVERS: Readonly<Record<string, () => Promise<string>>> = {
  oldest: () => installFixture('postgres/oldest'),
  newest: async () => 'embedded',
};

const SUITES: Readonly<Record<string, RegExp>> = {
  exporters: /^postgres.*\.test\.js$/,
  'unit/changes': /\.test\.js$/,
  e2e: /^(?:change-.*|row-changes|tampering|retention-cli|reading|erasure)\.test\.js$/,
};

for (const [suite, pattern] of Object.entries(SUITES)) {
  describe(`the tests of ${suite} that need a postgres`, () => {
    for (const [age, binaries] of Object.entries(SERVERS)) it(`pass on the ${age} server`, () => runOn(binaries, suite, pattern));
  });
}

async function runOn(binaries: () => Promise<string>, suite: string, pattern: RegExp): Promise<void> {
  const folder = path.join(ROOT, 'dist/test', suite);
  const files = readdirSync(folder).filter((name) => pattern.test(name));
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const run = spawn(process.execPath, ['--test', '--test-concurrency=1', ...files], {
    cwd: folder,
    env: { ...env, AUDIT_TEST_POSTGRES: await binaries() },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  run.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const [status] = await once(run, 'close');
  assert.equal(status, 0, output.slice(-20_000));
  console.log(...new Set(output.match(/PostgreSQL [\d.]+ \(\w+\)/g)));
}
