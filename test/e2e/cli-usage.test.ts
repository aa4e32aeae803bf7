/** What the command line answers to a call that it does not understand: never that the configuration is wrong. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { runCli } from '../support/cli.js';

const WRONG_CALLS: readonly (readonly [said: RegExp, ...call: readonly string[]])[] = [
  [/'--since <when>' argument 'yesterday' is invalid\. It must be a time/, 'query', '--since', 'yesterday'],
  [/'--until <when>' .* It must be a time/, 'report', '--until', 'soon'],
  [/'--status <status>' .* It must be a status such as 404, 4xx or 400-403/, 'export', '--status', 'ok'],
  [/'-n, --lines <count>' .* It must be a whole number from 1/, 'tail', '--lines', '0'],
  [/'--grace <duration>' .* It must be a duration/, 'verify', '--grace', '1y'],
  [/'--status <status>' .* It must be a status such as 404\./, 'policy', 'explain', 'GET', '/', '--status', '4xx'],
  [/'--timeout <seconds>' .* It must be a whole number/, 'deliver', '--once', '--timeout', 'long'],
  [/'--keep <period>' .* It must be a period such as 400d/, 'prune', '--keep', 'long'],
  [/It must be full, request, metadata and a period: full=400d/, 'prune', '--keep', '1y', '--level', 'all=1y'],
  [/It must be a tenant and a period: acme=400d/, 'prune', '--keep', '1y', '--tenant', '1y'],
  [/value 'x' is invalid for argument 'id'\. It must be a whole number/, 'hold', 'release', 'x', 'settled'],
  [/say which ids, or --all/, 'dead-letter', 'drop', '--journal', '.'],
  [/unknown option '--colour'/, 'query', '--colour'],
  [/unknown command 'quarry'/, 'quarry'],
  [/missing required argument 'id'/, 'show'],
];

describe('a call that is not understood', () => {
  const directory = mkdtempSync(join(tmpdir(), 'otel-audit-usage-'));
  after(() => rmSync(directory, { recursive: true }));

  for (const [said, ...call] of WRONG_CALLS) {
    it(`ends with 2 and says what is wrong: ${call.join(' ')}`, async () => {
      const { code, stdout, stderr } = await runCli(call, {}, directory);
      assert.equal(code, 2, stderr);
      assert.match(stderr, said);
      assert.doesNotMatch(stderr, /configuration/);
      assert.equal(stdout, '');
    });
  }

  it('is told from a wrong configuration, which ends with 78', async () => {
    const { code, stderr } = await runCli(['query'], { AUDIT_MODE: 'sideways' }, directory);
    assert.equal(code, 78);
    assert.match(stderr, /the configuration has 1 fault/);
  });

  it('is told from a question for help, which ends with 0 and says what each number means', async () => {
    const { code, stdout } = await runCli(['--help'], {}, directory);
    assert.equal(code, 0);
    assert.match(stdout, /Exit status 0: done; 1: .*; 2: .*; 78: wrong configuration/);
  });
});
