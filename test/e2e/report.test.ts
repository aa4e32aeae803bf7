/** `otel-audit report` as an auditor's assistant runs it: on a service's own trail, to a file that only its maker may read. */

import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { Report } from '../../src/report/report.js';
import { send } from '../support/audited-server.js';
import { runCommand } from '../support/command.js';
import { createServiceFolder } from '../support/service.js';

const SERVER = `
const http = require('node:http');
const server = http.createServer((request, response) => {
  response.statusCode = request.headers.authorization === undefined ? 401 : 201;
  request.resume().on('end', () => response.end('{}'));
});
server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));
`;

test('a report of a real trail says what happened, that it holds, and which rules were in force', { timeout: 60_000 }, async (t) => {
  const folder = createServiceFolder({ 'server.js': SERVER });
  t.after(() => folder.remove());
  const service = await folder.start({ entry: 'server.js', env: { AUDIT_EXPORTER: 'file' } });
  const headers = { authorization: `Bearer e30.${Buffer.from('{"sub":"ada"}').toString('base64url')}.c2ln` };
  for (let n = 0; n < 3; n += 1) await send(`${service.url}/api/orders`, { method: 'POST', headers }, '{}');
  for (let n = 0; n < 2; n += 1) await send(`${service.url}/api/orders`, { method: 'POST' }, '{}');
  await service.end();
  const run = (...words: readonly string[]) => runCommand(['report', ...words], { AUDIT_EXPORTER: 'file' }, folder.directory);

  const json = run('--out', 'report.json');
  assert.equal(json.status, 0, json.stderr);
  const report = JSON.parse(readFileSync(path.join(folder.directory, 'report.json'), 'utf8')) as Report;
  assert.deepEqual(report.tally.outcomes, { success: 3, failure: 2 });
  assert.deepEqual(report.tally.actors.find(({ name }) => name === 'ada')?.count, 3);
  assert.equal(report.tally.failedLoginCount, 2);
  assert.equal(report.isConsistent, true);
  assert.ok(report.policy?.some(({ level }) => level === 'none'));
  assert.equal(statSync(path.join(folder.directory, 'report.json')).mode & 0o777, 0o600);

  const page = run('--out', 'report.html');
  assert.equal(page.status, 0, page.stderr);
  assert.match(readFileSync(path.join(folder.directory, 'report.html'), 'utf8'), /^<!doctype html>[\s\S]*No contradiction was found/);
  const again = run('--out', 'report.html');
  assert.equal(again.status, 1);
  assert.match(again.stderr, /cannot be written.*EEXIST/);
  assert.match(run('--since', 'yesterday').stderr, /'yesterday' is invalid. It must be a time/);
});
