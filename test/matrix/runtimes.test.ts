import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { describe, it } from 'node:test';
import { nodeBinary } from '../support/fixtures.js';
import { ROOT } from '../support/service.js';

/** Standalone, attach and library mode, ESM and CommonJS, threads and processes, and every sink. */
const SUITES = ['preload', 'host-spans', 'library-mode', 'processes', 'four-sinks', 'journal-kill'];
const SUITE_TIMEOUT_MS = 240_000;

for (const major of [20, 22, 24, 26]) {
  describe(`the end-to-end suites on Node ${major}`, () => {
    for (const suite of SUITES) {
      it(`pass: ${suite}`, { timeout: SUITE_TIMEOUT_MS }, async () => {
        const node = await nodeBinary(major);
        const { NODE_TEST_CONTEXT: _, ...env } = process.env;
        const file = path.join(ROOT, `dist/test/e2e/${suite}.test.js`);
        const child = spawn(node, ['--test', '--test-reporter=tap', file], { env, stdio: ['ignore', 'pipe', 'inherit'] });
        let output = '';
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          output += text;
        });
        const [code] = await once(child, 'exit');
        assert.equal(code, 0, output);
        // A file that ran nothing passes as well.
        assert.match(output, /^# pass [1-9]/m);
      });
    }
  });
}
