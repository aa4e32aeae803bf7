import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { StatusReport } from '../../src/cli/status.js';
import type { AuditHealth } from '../../src/health.js';
import { send } from '../support/audited-server.js';
import { runCli } from '../support/cli.js';
import { createServiceFolder, type Service, type ServiceFolder } from '../support/service.js';
import { until } from '../support/waiting.js';

const SERVER = `
const { auditHealth } = require('otel-audit');
require('node:http').createServer((request, response) => {
  if (request.url === '/ready') return response.end(JSON.stringify(auditHealth()));
  request.resume().on('end', () => response.writeHead(201).end());
}).listen(0, '127.0.0.1', function () { console.log('listening on http://127.0.0.1:' + this.address().port); });
`;
/** Refuses paths that hold `bad` while the file `refuse` is there, everything while `down` is, and appends what it takes to `taken`. */
const SINK = `
const fs = require('node:fs');
const at = (name) => __dirname + '/' + name;
exports.createExporter = () => ({
  name: 'sink',
  shutdown: async () => {},
  async export(records) {
    if (fs.existsSync(at('down'))) throw new TypeError('down');
    return records.map((record) => {
      if (record.request?.path.includes('bad') && fs.existsSync(at('refuse'))) return { status: 'rejected', reason: 'the path is bad' };
      fs.appendFileSync(at('taken'), (record.request?.path ?? record.action) + '\\n');
      return { status: 'delivered' };
    });
  },
});
`;
const EXPORTER = './sink.cjs';

interface Summary {
  readonly id: string;
  readonly exporter: string;
  readonly reason: string;
}

describe('the command line shows and settles what delivery left', { timeout: 300_000 }, () => {
  let folder: ServiceFolder;
  let service: Service;
  const env = { AUDIT_EXPORTER: EXPORTER, AUDIT_JOURNAL_DIR: 'journal', AUDIT_EXCLUDE_PATHS: '/ready', AUDIT_HEARTBEAT_MS: '0' };
  beforeEach(async () => {
    folder = createServiceFolder({ 'server.js': SERVER, 'sink.cjs': SINK, refuse: '' });
    service = await folder.start({ entry: 'server.js', env });
  });
  afterEach(async () => {
    if (service.process.exitCode === null && service.process.signalCode === null) await service.end('SIGKILL');
    folder.remove();
  });

  const cli = (...args: readonly string[]) => runCli(args, env, folder.directory);
  const post = (path: string) => send(service.url + path, { method: 'POST' });
  const health = async () => JSON.parse((await send(`${service.url}/ready`)).body) as AuditHealth;
  const countOf = async (key: 'delivered' | 'deadLettered' | 'undelivered') => (await health()).exporters[EXPORTER]?.[key];
  const status = async () => JSON.parse((await cli('status', '--json')).stdout) as StatusReport;
  const list = async () => JSON.parse((await cli('dead-letter', 'list', '--json')).stdout) as readonly Summary[];
  const taken = () =>
    existsSync(join(folder.directory, 'taken')) ? readFileSync(join(folder.directory, 'taken'), 'utf8').split('\n') : [];

  it('dead letters: listed, shown, retried and dropped while the service runs', async () => {
    for (const path of ['/good/1', '/bad/2', '/good/3', '/bad/4', '/bad/5']) await post(path);
    await until('three are refused', async () => (await countOf('deadLettered')) === 3, 60_000);
    const letters = await list();
    assert.deepEqual(
      letters.map(({ exporter, reason }) => [exporter, reason]),
      Array.from({ length: 3 }, () => [EXPORTER, 'the path is bad']),
    );
    const [first, second, third] = letters.map(({ id }) => id);
    const shown = JSON.parse((await cli('dead-letter', 'show', String(first))).stdout);
    assert.equal(shown.record.request.path, '/bad/2');
    const degraded = await status();
    assert.equal(degraded.status, 'degraded');
    assert.match(degraded.reasons.join(), /3 dead letter\(s\)/);

    const refused = await cli('dead-letter', 'retry', String(first));
    assert.equal(refused.code, 1);
    assert.match(refused.stdout, /not taken: the path is bad/);
    rmSync(join(folder.directory, 'refuse'));
    assert.equal((await cli('dead-letter', 'retry', String(first))).code, 0);
    assert.ok(taken().includes('/bad/2'));
    assert.equal((await cli('dead-letter', 'drop', String(second))).code, 0);
    assert.deepEqual(
      (await list()).map(({ id }) => id),
      [third],
    );
    assert.equal((await cli('dead-letter', 'retry', '--all', '--exporter', EXPORTER)).code, 0);
    assert.match((await cli('dead-letter', 'list')).stdout, /no dead letters/);

    await post('/bad/6');
    await until('the service goes on', async () => (await countOf('delivered')) === 4, 60_000);
    const { status: verdict, streams } = await status();
    assert.equal(verdict, 'healthy');
    // The start, four that were taken at once, two after a retry, one that was dropped.
    const { journalled, delivered, undelivered, deadLettered } = streams[0]?.exporters[EXPORTER] ?? {};
    assert.deepEqual(
      { journalled, delivered, undelivered, deadLettered },
      { journalled: 7, delivered: 6, undelivered: 0, deadLettered: 1 },
    );
    assert.match((await cli('dead-letter', 'show', 'nothing')).stderr, /no dead letter has the id nothing/);
    assert.equal((await cli('dead-letter', 'drop')).code, 2);
  });

  it('status: what waits and why, for the living and the dead, and how to help', async () => {
    await until('the start has arrived', async () => (await countOf('delivered')) === 1, 60_000);
    writeFileSync(join(folder.directory, 'down'), '');
    for (const path of ['/a', '/b', '/c']) await post(path);
    await until('it is tried in vain', async () => ((await health()).exporters[EXPORTER]?.retries ?? 0) > 0, 60_000);
    let live = await status();
    const isTold = async (): Promise<boolean> => {
      live = await status();
      return live.streams[0]?.exporters[EXPORTER]?.lastError !== undefined;
    };
    await until('the state is told', isTold, 60_000);
    const { oldestUndeliveredAgeMs = 0, ...counts } = live.streams[0]?.exporters[EXPORTER] ?? {};
    assert.deepEqual(counts, {
      journalled: 4,
      delivered: 1,
      undelivered: 3,
      deadLettered: 0,
      breaker: 'closed',
      lastError: 'TypeError',
    });
    assert.ok(oldestUndeliveredAgeMs > 0);
    assert.equal(live.streams[0]?.state, 'live');
    assert.ok(live.bytes > 1000);

    await service.end('SIGKILL');
    const dead = await cli('status');
    assert.equal(dead.code, 0);
    assert.match(dead.stdout, /^degraded\n {2}nobody delivers .*otel-audit deliver --journal/);
    assert.match(dead.stdout, /its process is gone/);
    assert.match(dead.stdout, /journalled 4 = delivered 1 \+ undelivered 3 \+ dead-lettered 0, the oldest \d+ s old/);
    rmSync(join(folder.directory, 'down'));
    const rescue = await cli('deliver', '--once');
    assert.equal(rescue.code, 0, rescue.stderr);
    assert.ok(['/a', '/b', '/c'].every((path) => taken().includes(path)));
    assert.match((await cli('status')).stdout, /^healthy\n/);
  });

  it('a directory that is not there is no fault, one that is open to others is', async () => {
    const nothing = await cli('status', '--journal', 'nowhere');
    assert.deepEqual([nothing.code, nothing.stdout.split('\n')[0]], [0, 'healthy: nothing has been recorded yet']);
    writeFileSync(join(folder.directory, 'file'), '');
    const unsafe = await cli('status', '--journal', 'file');
    assert.equal(unsafe.code, 1);
    assert.match(unsafe.stdout, /^failing/);
  });
});
