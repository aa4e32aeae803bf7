/** The azure exporter with newer versions of the SDK: the same build, the same tests. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { installFixture, nodeBinary } from '../support/fixtures.js';
import { ROOT } from '../support/service.js';

const SDK = '@azure/monitor-opentelemetry-exporter';
/** Asked for settings from beta.45 on, which nothing switches off; the guard refuses it, and holds no other host against nobody. */
const SETTINGS_HOST = 'settings.sdk.monitor.azure.com';

describe('the azure exporter', () => {
  for (const major of [22]) {
    it(`passes its tests with 1.0.0-beta.47 of the SDK on Node ${major}`, { timeout: 600_000 }, async () => {
      const fixture = await installFixture('compat/azure-exporter-47');
      const { ok, output } = await runTests(await nodeBinary(major), fixture);
      assert.ok(ok, output);
      assert.match(output, /SDK in use: 1\.0\.0-beta\.47/);
    });
  }
});

async function runTests(node: string, fixture: string): Promise<{ readonly ok: boolean; readonly output: string }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'otel-audit-sdk-'));
  const redirect = path.join(folder, 'redirect.cjs');
  writeFileSync(redirect, redirectTo(fixture));
  const tests = path.join(ROOT, 'dist/test/exporters');
  const files = readdirSync(tests).filter((name) => /^azure(?!-logs).*\.test\.js$/.test(name));
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  try {
    return await new Promise((resolve) => {
      const args = ['--require', redirect, '--test', ...files.map((name) => path.join(tests, name))];
      const options = {
        env: { ...env, NETWORK_GUARD_EXPECTED: SETTINGS_HOST, NODE_OPTIONS: `--require ${redirect}` },
        maxBuffer: 100_000_000,
      };
      execFile(node, args, options, (error, stdout, stderr) => resolve({ ok: error === null, output: stdout + stderr }));
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whoever asks for the SDK gets the fixture's, and says once which that is. */
function redirectTo(fixture: string): string {
  return `
    const Module = require('node:module');
    const found = Module.createRequire(${JSON.stringify(path.join(fixture, 'package.json'))}).resolve('${SDK}');
    const { version } = JSON.parse(require('node:fs').readFileSync(found.replace(/dist.*/, 'package.json'), 'utf8'));
    const { _resolveFilename } = Module;
    Module._resolveFilename = function (name, ...rest) {
      if (name !== '${SDK}') return Reflect.apply(_resolveFilename, this, [name, ...rest]);
      console.log('SDK in use: ' + version);
      return found;
    };`;
}
