/** Delivery modes with a real journal: refused, unmounted, killed. */

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { send } from '../support/audited-server.js';
import { startFlow } from '../support/request-flow.js';
import { createServiceFolder, type ServiceFolder } from '../support/service.js';
import { until } from '../support/waiting.js';

const SERVER = `
let calls = 0;
const server = require('node:http').createServer((request, response) => {
  if (request.url === '/calls') return response.end(String(calls));
  if (request.url === '/health') return response.end(JSON.stringify(require('otel-audit').auditHealth().capture));
  calls += 1;
  request.resume().on('end', () => response.writeHead(201).end('{}'));
});
server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));`;
const POLICY = `
policy:
  - { match: { path: /calls }, level: none }
  - { match: { path: /health }, level: none }
  - { match: { path: /pay }, level: full, delivery: strict }
`;

describe('a service whose records must be safe', () => {
  let folder: ServiceFolder;
  before(() => {
    folder = createServiceFolder({ 'server.cjs': SERVER, 'audit.yaml': POLICY });
  });
  after(() => folder.remove());

  it('refuses strict requests while its directory cannot be used, keeps the others, and goes on when it can', async () => {
    // Somebody put a file where the volume belongs.
    const place = path.join(folder.directory, 'volume');
    writeFileSync(place, '');
    const env = { AUDIT_FILE_DIR: 'volume/audit', AUDIT_CONFIG_FILE: 'audit.yaml', AUDIT_CONFIRM_TIMEOUT_MS: '200' };
    const service = await folder.start({ entry: 'server.cjs', env });
    assert.equal((await send(`${service.url}/pay`, { method: 'POST' })).status, 503);
    assert.equal((await send(`${service.url}/orders`, { method: 'POST' })).status, 201);
    assert.equal((await send(`${service.url}/calls`)).body, '1');
    assert.match(service.stderr(), /records wait in memory/);
    renameSync(place, `${place}.old`);
    mkdirSync(place, { mode: 0o700 });
    chmodSync(place, 0o700);
    await until('strict requests are served', async () => (await send(`${service.url}/pay`, { method: 'POST' })).status === 201, 20_000);
    const { dropped, refused } = JSON.parse((await send(`${service.url}/health`)).body);
    assert.deepEqual(dropped, {});
    assert.ok(refused >= 1);
    await service.end();
    const records = folder.records('volume/audit');
    assert.equal(records.filter(({ request }) => request?.path === '/orders').length, 1);
    assert.equal(records.filter(({ response }) => response?.status === 503).length, refused);
    const starts = records.filter(({ phase }) => phase === 'start');
    assert.ok(starts.every(({ refersTo }) => records.some(({ id }) => id === refersTo)));
  });

  it('has every confirmed answer in its trail, whenever it is killed', async () => {
    const env = { AUDIT_FILE_DIR: 'killed', AUDIT_DELIVERY: 'confirmed', AUDIT_CONFIRM_TIMEOUT_MS: '20000' };
    const answered: string[] = [];
    for (const [round, count] of [5, 60, 23].entries()) {
      const service = await folder.start({ entry: 'server.cjs', env });
      const flow = startFlow(service.url, `round-${round}`);
      await flow.more(count);
      await service.end('SIGKILL');
      answered.push(...(await flow.stop()));
    }
    const recorded = folder.records('killed').flatMap(({ kind, request }) => (kind === 'http' ? [request?.id] : []));
    assert.deepEqual(
      answered.filter((id) => !recorded.includes(id)),
      [],
    );
    assert.equal(new Set(recorded).size, recorded.length);
  });
});
