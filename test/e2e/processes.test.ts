import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { JournalledRecord } from '../../src/record.js';
import { verifies } from '../../src/testing/records.js';
import { send } from '../support/audited-server.js';
import { createServiceFolder, type ServiceFolder } from '../support/service.js';
import { until } from '../support/waiting.js';

/** Two workers behind one port; a worker that ends is replaced. */
const CLUSTER = `
const cluster = require('node:cluster');
const http = require('node:http');
if (cluster.isPrimary) {
  let listening = 0;
  cluster.on('listening', (worker, { port }) => {
    listening += 1;
    if (listening === 2) console.log('listening on http://127.0.0.1:' + port);
    if (listening === 3) console.log('replaced');
  });
  cluster.on('exit', () => cluster.fork());
  cluster.fork();
  cluster.fork();
  process.on('SIGTERM', () => {
    cluster.removeAllListeners('exit');
    cluster.disconnect(() => process.exit(0));
  });
} else {
  http.createServer((request, response) => response.end(String(process.pid))).listen(0, '127.0.0.1');
}`;
/** As a process manager: answers its child's address, and starts it anew when it has ended. */
const RESTARTING = `
const { fork } = require('node:child_process');
let child;
const start = () => {
  child = fork(__dirname + '/child.cjs').on('exit', start).on('message', (url) => console.log('child at ' + url));
};
const server = require('node:http').createServer((request, response) => { child.kill(request.url.slice(1)); response.end(); });
server.listen(0, '127.0.0.1', () => { console.log('listening on http://127.0.0.1:' + server.address().port); start(); });
process.on('SIGTERM', () => { child.removeAllListeners('exit'); child.on('exit', () => process.exit(0)).kill('SIGTERM'); });`;
const CHILD = `
const server = require('node:http').createServer((request, response) => response.end('ok'));
server.listen(0, '127.0.0.1', () => process.send('http://127.0.0.1:' + server.address().port));
process.on('SIGINT', () => { server.close(() => process.disconnect()); server.closeAllConnections(); });`;

describe('a service of several processes', () => {
  const folders: ServiceFolder[] = [];
  after(() => {
    for (const folder of folders) folder.remove();
  });

  it('has a stream for each worker of a cluster, with every request in one of them, also when a worker is killed', async () => {
    const folder = createServiceFolder({ 'server.cjs': CLUSTER });
    folders.push(folder);
    const service = await folder.start({ entry: 'server.cjs' });
    let output = '';
    service.process.stdout?.on('data', (text: string) => {
      output += text;
    });
    const pids = new Map<string, number>();
    const ask = async (times: number): Promise<void> => {
      for (let n = 0; n < times; n += 1) {
        const { body } = await send(`${service.url}/orders`);
        pids.set(body, (pids.get(body) ?? 0) + 1);
      }
    };
    await ask(10);
    await until('all is written', () => requests(folder).length === 10);
    const [first = ''] = pids.keys();
    process.kill(Number(first), 'SIGKILL');
    await until('it is replaced', () => output.includes('replaced'));
    await ask(10);
    assert.equal(pids.size, 3);
    assert.deepEqual(await service.end(), { code: 0, signal: null }, service.stderr());
    const counts = new Map<string, number>();
    for (const record of requests(folder)) counts.set(record.integrity.stream, (counts.get(record.integrity.stream) ?? 0) + 1);
    assert.deepEqual([...counts.values()].sort(), [...pids.values()].sort());
    assert.ok(folder.records().every(verifies));
  });

  it('keeps every record over restarts by SIGINT, SIGTERM and SIGKILL, each once', async () => {
    const folder = createServiceFolder({ 'server.cjs': RESTARTING, 'child.cjs': CHILD });
    folders.push(folder);
    const service = await folder.start({ entry: 'server.cjs', env: { AUDIT_EXCLUDE_PATHS: '/SIGINT,/SIGTERM,/SIGKILL' } });
    let output = '';
    service.process.stdout?.on('data', (text: string) => {
      output += text;
    });
    const children = (): string[] => [...output.matchAll(/child at (\S+)/g)].map(([, url]) => url ?? '');
    for (const [index, signal] of ['SIGINT', 'SIGTERM', 'SIGKILL', undefined].entries()) {
      await until('the child listens', () => children().length === index + 1);
      await send(`${children()[index]}/run/${index}`);
      await until('it is written', () => requests(folder).length === index + 1);
      if (signal !== undefined) await send(`${service.url}/${signal}`);
    }
    await service.end();
    const paths = requests(folder).map(({ request }) => request?.path);
    assert.deepEqual(paths.sort(), ['/run/0', '/run/1', '/run/2', '/run/3']);
  });
});

function requests(folder: ServiceFolder): readonly JournalledRecord[] {
  try {
    return folder.records().filter(({ kind }) => kind === 'http');
  } catch {
    // No server has listened yet.
    return [];
  }
}
