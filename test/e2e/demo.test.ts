/** `npm run demo`, as a newcomer runs it after reading the first lines of the README. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, it } from 'node:test';
import { ROOT } from '../support/service.js';

function demo(...args: readonly string[]) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:AUDIT_(?!TEST_)|NODE_TEST|NODE_OPTIONS)/.test(name)));
  return spawnSync(process.execPath, [path.join(ROOT, 'samples/demo/demo.js'), ...args], { env, encoding: 'utf8', timeout: 60_000 });
}

describe('the demo', () => {
  it('shows the trail of its requests, and that none is lost', () => {
    const { status, stdout, stderr } = demo('--exporter', 'file');
    assert.equal(status, 0, stderr);
    assert.match(stdout, /grace@globex\.example +customer +globex +order\.updated/);
    assert.match(stdout, /Nothing is lost from sight/);
    assert.doesNotMatch(stdout, /hunter2/);
  });

  for (const args of [['--exporter', 'otlp'], ['--exporter', 'toString'], ['--colour']]) {
    it(`says which sinks it knows, and no stack: ${args.join(' ')}`, () => {
      const { status, stdout, stderr } = demo(...args);
      assert.equal(status, 2);
      assert.equal(stdout, '');
      assert.match(stderr, /the demo has a sink for postgres, azure, file: npm run demo/);
      assert.doesNotMatch(stderr, /\n {4}at /);
    });
  }
});
