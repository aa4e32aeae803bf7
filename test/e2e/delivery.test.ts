import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { AuditHealth } from '../../src/health.js';
import { emptySchema, readTrail } from '../support/audit-schema.js';
import { send } from '../support/audited-server.js';
import { HANG } from '../support/ingestion-behaviours.js';
import { startIngestionServer } from '../support/ingestion-server.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';
import { CONCURRENCY, sendMany, startFlow } from '../support/request-flow.js';
import { createServiceFolder, type Service, type ServiceFolder, saidSlowDisk } from '../support/service.js';
import { until } from '../support/waiting.js';

const SERVER = `
const http = require('node:http');
const { auditHealth } = require('otel-audit');
const server = http.createServer((request, response) => {
  if (request.url === '/counters') return response.end(JSON.stringify(auditHealth()));
  request.resume().on('end', () => response.writeHead(201, { 'content-type': 'application/json' }).end('{"ok":true}'));
});
if (process.env.ENDING === 'close') process.on('SIGTERM', () => { process.exitCode = 3; server.close(); server.closeIdleConnections(); });
if (process.env.ENDING === 'exit') process.on('SIGTERM', () => process.exit(7));
server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));
`;

describe('the spine delivers', { timeout: 150_000 }, () => {
  let postgres: TestPostgres;
  let url: string;
  let folder: ServiceFolder;
  const services: Service[] = [];
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.stop());
  beforeEach(async () => {
    await postgres.startServer();
    url = await emptySchema(postgres.url);
    folder = createServiceFolder({ 'server.js': SERVER });
  });
  afterEach(async () => {
    for (const service of services.splice(0)) if (service.process.exitCode === null) await service.end('SIGKILL');
    folder.remove();
  });

  async function start(env: Readonly<Record<string, string>> = {}): Promise<Service> {
    const defaults = { AUDIT_EXPORTER: 'postgres', AUDIT_POSTGRES_URL: url, AUDIT_EXCLUDE_PATHS: '/counters' };
    // The file exporter is the journal itself and has a directory of its own.
    const journal: Record<string, string> = env['AUDIT_EXPORTER']?.includes('file') ? {} : { AUDIT_JOURNAL_DIR: 'journal' };
    const service = await folder.start({ entry: 'server.js', env: { ...defaults, ...journal, ...env } });
    services.push(service);
    return service;
  }
  const countersOf = async (service: Service): Promise<AuditHealth> =>
    JSON.parse((await send(`${service.url}/counters`)).body) as AuditHealth;
  /** Request ids in the trail, sorted, duplicates included. */
  const arrivedIds = async (): Promise<readonly string[]> =>
    (await readTrail(url)).flatMap(({ kind, request }) => (kind === 'http' ? [request?.id ?? ''] : [])).sort();
  const losses = async () => (await readTrail(url)).filter((record) => record.kind === 'loss');
  const arrive = (count: number, timeoutMs = 15_000): Promise<void> =>
    until(`${count} records are in audit_logs`, async () => (await arrivedIds()).length >= count, timeoutMs);

  it('every request exactly once while the database is stopped and started', async () => {
    const service = await start();
    const flow = startFlow(service.url, 'flow');
    await arrive(50);
    await postgres.stopServer();
    await flow.more(100);
    await until('the outage is felt', async () => ((await countersOf(service)).exporters['postgres']?.retries ?? 0) > 0);
    await postgres.startServer();
    await flow.more(100);
    const answered = await flow.stop();
    await arrive(answered.length, 30_000);
    assert.deepEqual(await arrivedIds(), [...answered].sort());
    const { capture } = await countersOf(service);
    // And the start.
    assert.equal(capture.journalled, answered.length + 1);
    assert.equal((await losses()).length, 0);
  });

  it('later what was recorded while the database was down at start, which the service does not feel', async () => {
    await postgres.stopServer();
    const service = await start();
    const answered = await sendMany(service.url, 'early', 20);
    await until('the exporter has tried', async () => ((await countersOf(service)).exporters['postgres']?.lastError ?? '') !== '');
    await postgres.startServer();
    await arrive(20, 30_000);
    assert.deepEqual(await arrivedIds(), [...answered].sort());
  });

  it('after kill -9 every answered request but those of the current tick, and says that records may be missing', async () => {
    await postgres.stopServer();
    const killed = await start();
    const flow = startFlow(killed.url, 'killed');
    await flow.more(200);
    assert.deepEqual(await killed.end('SIGKILL'), { code: null, signal: 'SIGKILL' });
    const answered = await flow.stop();
    await postgres.startServer();
    const next = await start();
    const later = await sendMany(next.url, 'later', 10);
    await until('the loss record is there', async () => (await losses()).length > 0, 30_000);
    await until('the dead stream is removed', () => readdirSync(`${folder.directory}/journal`).length === 1, 30_000);
    await next.end();
    const arrived = await arrivedIds();
    assert.equal(new Set(arrived).size, arrived.length, 'nothing twice');
    const missing = [...answered, ...later].filter((id) => !arrived.includes(id));
    const bound = saidSlowDisk(killed) ? 5 * CONCURRENCY : CONCURRENCY;
    assert.ok(missing.length <= bound, `${missing.length} of ${answered.length} answered requests are missing`);
    assert.ok(missing.every((id) => answered.slice(-2 * bound).includes(id)));
    const [loss, ...others] = await losses();
    assert.equal(others.length, 0);
    assert.equal(loss?.metadata?.['count'], 'unknown');
    // And the start.
    assert.equal(loss?.metadata?.['lastSeq'], arrived.filter((id) => id.startsWith('killed-')).length + 1);
    assert.equal(
      readdirSync(`${folder.directory}/journal`).length,
      1,
      'the dead stream is removed; the last one is left to the next start',
    );
  });

  for (const [ending, expected] of [
    ['default', { code: null, signal: 'SIGTERM' }],
    ['close', { code: 3, signal: null }],
  ] as const) {
    it(`what is left at SIGTERM, and leaves the end to the service (${ending})`, async () => {
      const service = await start({ ENDING: ending });
      const answered = await sendMany(service.url, ending, 25);
      assert.deepEqual(await service.end(), expected);
      assert.deepEqual(await arrivedIds(), [...answered].sort());
    });
  }

  it('after the next start what process.exit left', async () => {
    const service = await start({ ENDING: 'exit' });
    const answered = await sendMany(service.url, 'exit', 25);
    assert.deepEqual(await service.end(), { code: 7, signal: null });
    await start();
    await arrive(25);
    assert.deepEqual(await arrivedIds(), [...answered].sort());
    assert.equal((await losses()).length, 0);
  });

  it('within the deadline of SIGTERM or not at all, and after the next start then', async () => {
    await postgres.stopServer();
    const service = await start({ AUDIT_SHUTDOWN_TIMEOUT_MS: '700' });
    const answered = await sendMany(service.url, 'late', 25);
    const startedMs = performance.now();
    assert.deepEqual(await service.end(), { code: null, signal: 'SIGTERM' });
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs > 600 && tookMs < 3000, `${tookMs} ms`);
    await postgres.startServer();
    await start();
    await arrive(25);
    assert.deepEqual(await arrivedIds(), [...answered].sort());
    assert.equal((await losses()).length, 0);
  });

  it('to one exporter without waiting for another that is down or hangs', async (t) => {
    const ingestion = await startIngestionServer({ respond: () => HANG });
    t.after(() => ingestion.close());
    // The requests and the record that the service has started.
    const [first, both] = [21, 41];
    await postgres.stopServer();
    const exporters = { AUDIT_EXPORTER: 'postgres,azure,file', AUDIT_AZURE_CONNECTION_STRING: ingestion.connectionString };
    const service = await start(exporters);
    await sendMany(service.url, 'first', 20);
    const settled = (name: string, count: number) => async () => (await countersOf(service)).exporters[name]?.delivered === count;
    await until('the file has its records', settled('file', first), 3000);
    assert.equal((await countersOf(service)).exporters['postgres']?.delivered, 0);
    await until('azure was called', () => ingestion.requests.length > 0);
    await postgres.startServer();
    await until('postgres has caught up', settled('postgres', first), 15_000);
    await sendMany(service.url, 'second', 20);
    await until('file and postgres go on', async () => (await settled('file', both)()) && (await settled('postgres', both)()), 3000);
    assert.equal((await countersOf(service)).exporters['azure']?.undelivered, both);
    await service.end('SIGKILL');
  });

  it('everything of several processes on one journal, once, whoever dies and whoever takes over', async () => {
    await postgres.stopServer();
    const three = await Promise.all([start(), start(), start()]);
    const flows = three.map((service, index) => startFlow(service.url, `p${index}`));
    await Promise.all(flows.map((flow) => flow.more(50)));
    await Promise.all(three.slice(0, 2).map((service) => service.end('SIGKILL')));
    await Promise.all(flows.slice(0, 2).map((flow) => flow.stop()));
    const two = await Promise.all([start(), start()]);
    const lasting = await Promise.all([flows[2]?.stop(), ...two.map((service, index) => sendMany(service.url, `n${index}`, 10))]);
    await postgres.startServer();
    await until('both deaths are told', async () => (await losses()).length >= 2, 30_000);
    await Promise.all(services.map((service) => (service.process.exitCode === null ? service.end() : undefined)));
    const arrived = await arrivedIds();
    assert.equal(new Set(arrived).size, arrived.length, 'nothing twice');
    assert.deepEqual(
      lasting.flat().filter((id) => id === undefined || !arrived.includes(id)),
      [],
    );
    for (const [index, flow] of flows.slice(0, 2).entries()) {
      const missing = flow.answered.filter((id) => !arrived.includes(id));
      const bound = three[index] && saidSlowDisk(three[index]) ? 5 * CONCURRENCY : CONCURRENCY;
      assert.ok(missing.length <= bound, `${missing.length} of ${flow.answered.length} are missing`);
    }
    assert.equal((await losses()).length, 2);
  });
});
