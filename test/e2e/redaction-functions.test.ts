import assert from 'node:assert/strict';
import { test } from 'node:test';
import { send } from '../support/audited-server.js';
import { createServiceFolder } from '../support/service.js';

const SERVER = `
const http = require('node:http');
const server = http.createServer((request, response) => request.resume().on('end', () => response.end('{"badge":"B-17"}')));
server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));
`;
const FUNCTIONS = `
exports.isSensitive = (key) => key === 'badge';
exports.rewrite = (text) => text.replace(/EMP-[0-9]+/g, 'EMP-*');
`;
const BODY = JSON.stringify({ badge: 'B-17', note: 'seen by EMP-4711', kind: 'visit', count: 3 });

/** The records of one request to a service whose `redaction.functions` is this module. */
async function recordWith(t: import('node:test').TestContext, module: string) {
  const folder = createServiceFolder({
    'server.js': SERVER,
    'redaction.js': module,
    'audit.json': JSON.stringify({ redaction: { functions: './redaction.js' } }),
  });
  t.after(() => folder.remove());
  const service = await folder.start({ entry: 'server.js', env: { AUDIT_CONFIG_FILE: 'audit.json' } });
  const headers = { 'content-type': 'application/json' };
  await send(`${service.url}/visits?by=EMP-4711`, { method: 'POST', headers }, BODY);
  await service.end();
  const [record] = folder.records();
  assert.ok(record !== undefined);
  return { record, stderr: service.stderr() };
}

test('functions of a module that the configuration names redact what they say', { timeout: 60_000 }, async (t) => {
  const { record } = await recordWith(t, FUNCTIONS);
  assert.deepEqual(JSON.parse(record.request?.body ?? ''), {
    badge: '[REDACTED]',
    note: 'seen by EMP-*',
    kind: 'visit',
    count: 3,
  });
  assert.equal(record.request?.query, 'by=EMP-*');
});

test('a module that throws hides everything that it was to judge', { timeout: 60_000 }, async (t) => {
  const throwing = await recordWith(t, 'exports.rewrite = () => { throw new Error("EMP-4711"); };');
  assert.ok(!JSON.stringify(throwing.record).includes('EMP-4711'));
  assert.ok(!throwing.stderr.includes('EMP-4711'));
});

test('a module that cannot be loaded hides everything, and it is said', { timeout: 60_000 }, async (t) => {
  const broken = await recordWith(t, 'throw new TypeError("EMP-4711");');
  assert.equal(broken.record.request?.body, undefined);
  assert.equal(broken.record.request?.bodyOmitted, 'unparsable');
  assert.ok(!JSON.stringify(broken.record).includes('EMP-4711'));
  assert.match(broken.stderr, /redaction\.functions cannot be loaded \(TypeError\)/);
});

test('a module that is not there stops the start', { timeout: 60_000 }, async (t) => {
  const folder = createServiceFolder({ 'server.js': SERVER, 'audit.json': '{"redaction":{"functions":"./nowhere.js"}}' });
  t.after(() => folder.remove());
  await assert.rejects(
    folder.start({ entry: 'server.js', env: { AUDIT_CONFIG_FILE: 'audit.json' } }),
    /redaction\.functions: there is no such module/,
  );
});
