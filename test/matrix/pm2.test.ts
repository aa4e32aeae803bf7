import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { send } from '../support/audited-server.js';
import { installFixture } from '../support/fixtures.js';
import { createServiceFolder, ROOT, type ServiceFolder } from '../support/service.js';
import { until } from '../support/waiting.js';

const SERVER = `
const server = require('node:http').createServer((request, response) => response.end(String(process.pid)));
server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port + ' as ' + process.pid));`;

describe('a service under PM2', () => {
  const folders: ServiceFolder[] = [];
  const managers: ChildProcess[] = [];
  after(async () => {
    for (const manager of managers.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) {
      manager.kill('SIGKILL');
      await once(manager, 'exit');
    }
    for (const folder of folders) folder.remove();
  });

  for (const mode of ['fork', 'cluster']) {
    it(`is recorded as itself, over a crash and a restart, in ${mode} mode`, async () => {
      const folder = createServiceFolder({ 'app/server.cjs': SERVER, 'app/package.json': '{"name":"shop","version":"2.0.0"}' });
      folders.push(folder);
      const app = {
        name: 'shop-1',
        script: 'server.cjs',
        cwd: path.join(folder.directory, 'app'),
        exec_mode: mode,
        instances: 1,
        node_args: ['--require', path.join(ROOT, 'dist/src/register.js')],
        env: { AUDIT_REQUEST_ID_HEADER: 'x-audit-id', AUDIT_FILE_DIR: 'trail' },
      };
      const { urls } = await start(folder, app);
      await until('the service listens', () => urls().length === 1, 20_000);
      const first = await send(`${urls()[0]}/before`);
      // What a kill may cost is the current tick.
      await until('it is in the journal', () => folder.records('app/trail').length === 1);
      process.kill(Number(first.body), 'SIGKILL');
      await until('it listens again', () => urls().length === 2, 20_000);
      const second = await send(`${urls()[1]}/after`);
      assert.notEqual(second.body, first.body);
      await stop();
      const records = folder.records('app/trail');
      assert.deepEqual(
        records.filter(({ kind }) => kind === 'http').map(({ id, service, request }) => [id, service.name, service.version, request?.path]),
        [
          [first.headers['x-audit-id'], 'shop', '2.0.0', '/before'],
          [second.headers['x-audit-id'], 'shop', '2.0.0', '/after'],
        ],
      );
    });
  }

  async function start(folder: ServiceFolder, app: object) {
    const fixture = await installFixture('runtimes/pm2');
    const home = path.join(folder.directory, 'pm2');
    mkdirSync(home);
    const ecosystem = path.join(home, 'ecosystem.config.js');
    writeFileSync(ecosystem, `module.exports = ${JSON.stringify({ apps: [app] })}`);
    // Elsewhere than the service, as a daemon is.
    const env = { PATH: process.env['PATH'], HOME: home, PM2_HOME: home, PM2_DISABLE_VERSION_CHECK: 'true' };
    const manager = spawn(process.execPath, [path.join(fixture, 'node_modules/pm2/bin/pm2-runtime'), 'start', ecosystem], {
      cwd: home,
      env,
    });
    managers.push(manager);
    let output = '';
    for (const stream of [manager.stdout, manager.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    return { urls: () => [...output.matchAll(/listening on (http:\/\/\S+)/g)].map(([, url]) => url ?? '') };
  }

  async function stop(): Promise<void> {
    const manager = managers.at(-1);
    if (manager === undefined) return;
    manager.kill('SIGINT');
    await once(manager, 'exit');
  }
});
