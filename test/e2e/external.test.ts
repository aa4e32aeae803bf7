import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { AuditHealth } from '../../src/health.js';
import { emptySchema, readTrail } from '../support/audit-schema.js';
import { send } from '../support/audited-server.js';
import { type CliRun, runCli, startCli } from '../support/cli.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';
import { CONCURRENCY, sendMany, startFlow } from '../support/request-flow.js';
import { createServiceFolder, type Service, type ServiceFolder, saidSlowDisk } from '../support/service.js';
import { until } from '../support/waiting.js';

const SERVER = `
const http = require('node:http');
const { auditHealth } = require('otel-audit');
http.createServer((request, response) => {
  if (request.url === '/counters') return response.end(JSON.stringify(auditHealth()));
  request.resume().on('end', () => response.writeHead(201).end());
}).listen(0, '127.0.0.1', function () { console.log('listening on http://127.0.0.1:' + this.address().port); });
`;

describe('otel-audit deliver serves the processes of a host', { timeout: 400_000 }, () => {
  let postgres: TestPostgres;
  let url: string;
  let folder: ServiceFolder;
  let journal: string;
  const services: Service[] = [];
  const deliverers: CliRun[] = [];
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.stop());
  beforeEach(async () => {
    await postgres.startServer();
    url = await emptySchema(postgres.url);
    folder = createServiceFolder({ 'server.js': SERVER });
    journal = join(folder.directory, 'journal');
  });
  afterEach(async () => {
    for (const service of services.splice(0)) if (service.process.exitCode === null) await service.end('SIGKILL');
    for (const run of deliverers.splice(0)) if (run.process.exitCode === null) await run.end('SIGKILL');
    folder.remove();
  });

  async function start(env: Readonly<Record<string, string>> = {}): Promise<Service> {
    const settings = { AUDIT_WORKER: 'external', AUDIT_JOURNAL_DIR: journal, AUDIT_EXCLUDE_PATHS: '/counters', AUDIT_HEARTBEAT_MS: '0' };
    const service = await folder.start({ entry: 'server.js', env: { ...settings, ...env } });
    services.push(service);
    return service;
  }
  function deliver(...args: readonly string[]): CliRun {
    const run = startCli(['deliver', '--journal', journal, ...args], { AUDIT_POSTGRES_URL: url }, folder.directory);
    deliverers.push(run);
    return run;
  }
  const arrivedIds = async (): Promise<readonly string[]> =>
    (await readTrail(url)).flatMap(({ kind, request }) => (kind === 'http' ? [request?.id ?? ''] : [])).sort();
  const arrive = (count: number): Promise<void> =>
    until(`${count} records are in audit_logs`, async () => (await arrivedIds()).length >= count, 60_000);
  const streams = () => readdirSync(journal).filter((name) => !name.startsWith('.'));
  const healthOf = async (service: Service) => JSON.parse((await send(`${service.url}/counters`)).body) as AuditHealth;

  it('live ones of several services, each record once, and what they left when they ended', async () => {
    const [one, two] = [await start(), await start({ AUDIT_SERVICE_NAME: 'billing' })];
    const early = await sendMany(one.url, 'early', 30);
    const run = deliver();
    const late = await Promise.all([sendMany(one.url, 'one', 40), sendMany(two.url, 'two', 40)]);
    await arrive(110);
    const { exporters } = await eventually('the service sees what has arrived', async () => {
      const health = await healthOf(one);
      return health.exporters['postgres']?.undelivered === 0 ? health : undefined;
    });
    assert.equal(exporters['postgres']?.delivered, 71);
    const trail = await readTrail(url);
    assert.deepEqual([...new Set(trail.map(({ service }) => service.name))].sort(), ['billing', 'tested-service']);
    await one.end();
    await two.end();
    await until('their streams are removed', () => streams().length === 1, 60_000);
    assert.deepEqual(await arrivedIds(), [...early, ...late.flat()].sort());
    assert.equal((await readTrail(url)).filter(({ kind }) => kind === 'loss').length, 0);
    assert.equal(await run.end(), 0, run.stderr());
    assert.deepEqual(streams(), []);
  });

  it('killed ones, and says in the trail which service ended uncleanly', async () => {
    const service = await start();
    const flow = startFlow(service.url, 'killed');
    await flow.more(100);
    deliver();
    await arrive(50);
    await service.end('SIGKILL');
    const answered = await flow.stop();
    await until('the loss is told', async () => (await readTrail(url)).some(({ kind }) => kind === 'loss'), 60_000);
    const arrived = await arrivedIds();
    assert.equal(new Set(arrived).size, arrived.length, 'nothing twice');
    const missing = answered.filter((id) => !arrived.includes(id));
    assert.ok(missing.length <= (saidSlowDisk(service) ? 5 : 1) * CONCURRENCY, `${missing.length} are missing`);
    const loss = (await readTrail(url)).find(({ kind }) => kind === 'loss');
    assert.equal(loss?.service.name, 'tested-service');
  });

  it('goes on where a killed one stopped; a second waits, and takes over', async () => {
    const service = await start();
    const flow = startFlow(service.url, 'flow');
    const [first, second] = [deliver(), deliver()];
    await until('one waits', () => [first, second].some((run) => run.stdout().includes('waiting to take over')), 60_000);
    await arrive(50);
    await (first.stdout().includes('waiting') ? second : first).end('SIGKILL');
    await flow.more(100);
    const answered = await flow.stop();
    await arrive(answered.length);
    assert.deepEqual(await arrivedIds(), [...answered].sort());
  });

  it('with --once what is there, and tells by its exit status if something is left', async () => {
    const service = await start();
    const answered = await sendMany(service.url, 'once', 25);
    await postgres.stopServer();
    const failing = await deliver('--once', '--timeout', '1').ended();
    assert.equal(failing.code, 1);
    assert.match(failing.stdout, /postgres: delivered 0, left in the journal \d+/);
    await postgres.startServer();
    const { code, stdout, stderr } = await deliver('--once').ended();
    assert.equal(code, 0, stderr);
    assert.match(stdout, /left in the journal 0/);
    assert.deepEqual(await arrivedIds(), [...answered].sort());
  });

  it('never the streams of a process that delivers itself, until it is gone', async () => {
    await postgres.stopServer();
    const env = { AUDIT_WORKER: 'true', AUDIT_POSTGRES_URL: url };
    const service = await start(env);
    const answered = await sendMany(service.url, 'own', 10);
    await postgres.startServer();
    await deliver('--once').ended();
    await service.end('SIGKILL');
    await deliver('--once').ended();
    assert.deepEqual(await arrivedIds(), [...answered].sort());
  });

  it('makes room in the journal of a living process, which takes note', async () => {
    const service = await start({ AUDIT_JOURNAL_MAX_BYTES: '1048576' });
    deliver();
    for (let round = 0; round < 8; round += 1) {
      await sendMany(service.url, `round${round}`, 150);
      await arrive(150 * (round + 1));
    }
    const [stream = ''] = streams().filter((name) => existsSync(join(journal, name, '00000001.jsonl')) === false);
    assert.notEqual(stream, '');
    await until('the service knows', async () => ((await healthOf(service)).journal?.bytes ?? 0) < 600_000, 60_000);
    assert.deepEqual((await healthOf(service)).capture.dropped, {});
  });

  it('is not started on the file exporter, which has nothing to deliver to', async () => {
    const { code, stderr } = await runCli(['deliver', '--journal', journal, '--once'], {}, folder.directory);
    assert.equal(code, 78);
    assert.match(stderr, /AUDIT_EXPORTER: the file exporter is the journal itself/);
  });
});

async function eventually<Value>(what: string, look: () => Promise<Value | undefined>): Promise<Value> {
  let seen: Value | undefined;
  await until(
    what,
    async () => {
      seen = await look();
      return seen !== undefined;
    },
    60_000,
  );
  return seen as Value;
}
