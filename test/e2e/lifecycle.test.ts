import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { send } from '../support/audited-server.js';
import { createServiceFolder, type ServiceFolder } from '../support/service.js';
import { until } from '../support/waiting.js';

const SERVER = `
const http = require('node:http');
const server = http.createServer((request, response) => request.resume().on('end', () => response.end('ok')));
server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));
`;
const GRACEFUL = `${SERVER} process.on('SIGTERM', () => { server.close(); server.closeAllConnections(); });`;
const POLICY = 'policy: [{ name: quiet, match: { path: /quiet }, level: none }]';

describe('the life of the audit', () => {
  const folders: ServiceFolder[] = [];
  after(() => {
    for (const folder of folders) folder.remove();
  });
  const folderWith = (files: Record<string, string>): ServiceFolder => {
    const folder = createServiceFolder(files);
    folders.push(folder);
    return folder;
  };
  const actionsIn = (folder: ServiceFolder): readonly string[] => folder.lifecycle().map(({ action }) => action);

  it('begins with a start that names the configuration, and ends with a stop that holds the account', async () => {
    const folder = folderWith({ 'server.js': GRACEFUL });
    const service = await folder.start({ entry: 'server.js' });
    await send(`${service.url}/orders/1`);
    await service.end();
    const [start, stop] = folder.lifecycle();
    assert.deepEqual(actionsIn(folder), ['audit.start', 'audit.stop']);
    assert.deepEqual([start?.integrity.seq, folder.records()[0]?.integrity.seq, stop?.integrity.seq], [1, 2, 3]);
    assert.match(String(start?.metadata?.['configHash']), /^[0-9a-f]{64}$/);
    assert.match(String(start?.metadata?.['policyHash']), /^[0-9a-f]{64}$/);
    assert.deepEqual(start?.metadata?.['exporters'], ['file']);
    assert.equal(stop?.metadata?.['reason'], 'nothing left to do');
    // The stop counts itself as pending.
    assert.deepEqual([stop?.metadata?.['seen'], stop?.metadata?.['journalled']], [2, 2]);
  });

  for (const [name, source, signal, reason] of [
    ['a signal that nobody handles', SERVER, 'SIGTERM', 'SIGTERM'],
    ['an exit of its own', `${SERVER} process.on('SIGTERM', () => process.exit(3));`, 'SIGTERM', 'exit 3'],
  ] as const) {
    it(`says that it stops at ${name}`, async () => {
      const folder = folderWith({ 'server.js': source });
      const service = await folder.start({ entry: 'server.js' });
      await service.end(signal);
      const stop = folder.lifecycle().at(-1);
      assert.deepEqual([stop?.action, stop?.metadata?.['reason']], ['audit.stop', reason]);
    });
  }

  it('leaves no trace of a process that neither serves nor records', async () => {
    const folder = folderWith({ 'server.js': `console.log('http://nothing');` });
    const service = await folder.start({ entry: 'server.js', env: { AUDIT_HEARTBEAT_MS: '1' } });
    if (service.process.exitCode === null) await once(service.process, 'exit');
    assert.throws(() => folder.lifecycle(), /ENOENT/);
  });

  it('beats while it serves, with the account', async () => {
    const folder = folderWith({ 'server.js': GRACEFUL });
    const service = await folder.start({ entry: 'server.js', env: { AUDIT_HEARTBEAT_MS: '30' } });
    await until('three heartbeats are there', () => actionsIn(folder).filter((action) => action === 'audit.heartbeat').length >= 3);
    await service.end();
    const beat = folder.lifecycle().find(({ action }) => action === 'audit.heartbeat');
    assert.equal(beat?.metadata?.['seen'], 1);
    assert.deepEqual(beat?.metadata?.['dropped'], {});
    assert.equal(beat?.metadata?.['withheld'], 0);
  });

  it('holds in its account what was withheld for want of a key', async () => {
    const folder = folderWith({ 'server.js': GRACEFUL });
    const service = await folder.start({ entry: 'server.js', env: { AUDIT_SUBJECT_KEYS: 'server.js' } });
    // The actor that a token merely claims: everybody who is named would have a key, were that a directory.
    const claim = Buffer.from(JSON.stringify({ sub: 'ada' })).toString('base64url');
    await send(`${service.url}/orders`, { method: 'POST', headers: { authorization: `Bearer e30.${claim}.x` } }, 'a body');
    await service.end();
    assert.equal(folder.lifecycle().at(-1)?.metadata?.['withheld'], 1);
  });

  it('takes another policy while it runs, says so, and loses no record', async () => {
    const folder = folderWith({ 'server.js': GRACEFUL, 'audit.yaml': POLICY });
    const service = await folder.start({ entry: 'server.js', env: { AUDIT_CONFIG_FILE: 'audit.yaml', AUDIT_POLICY_RELOAD_MS: '20' } });
    const file = path.join(folder.directory, 'audit.yaml');
    let sent = 0;
    let isDone = false;
    const traffic = (async () => {
      while (!isDone) {
        await send(`${service.url}/orders/${sent}`);
        sent += 1;
      }
    })();
    await send(`${service.url}/quiet`);
    writeFileSync(file, 'policy: [{ match: { path: "/orders/*" }, level: full, action: order.watched }]');
    await until('the new policy is in force', () => actionsIn(folder).includes('audit.policy.changed'), 10_000);
    await send(`${service.url}/quiet`);
    writeFileSync(file, 'policy: [{ level: hunter2 }]');
    await until('the broken one is refused', () => actionsIn(folder).includes('audit.policy.rejected'), 10_000);
    isDone = true;
    await traffic;
    await send(`${service.url}/orders/last`);
    await service.end();
    const records = folder.records();
    assert.equal(records.filter(({ request }) => request?.path?.startsWith('/orders/')).length, sent + 1);
    assert.equal(records.filter(({ request }) => request?.path === '/quiet').length, 1);
    assert.equal(records.at(-1)?.action, 'order.watched');
    const [start, changed, rejected] = folder.lifecycle();
    assert.equal(changed?.metadata?.['previousPolicyHash'], start?.metadata?.['policyHash']);
    assert.equal(rejected?.metadata?.['policyHash'], changed?.metadata?.['policyHash']);
    assert.equal(rejected?.outcome, 'failure');
    assert.match(service.stderr(), /audit\.yaml is broken and was not loaded, the policy before it stays in force/);
    assert.ok(!JSON.stringify(folder.lifecycle()).includes('hunter2') && !service.stderr().includes('hunter2'));
  });
});
