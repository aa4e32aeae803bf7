import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { StatusReport } from '../../src/cli/status.js';
import { surveyJournal } from '../../src/delivery/survey.js';
import { type AuditHealth, imbalanceOf } from '../../src/health.js';
import { emptySchema } from '../support/audit-schema.js';
import { send } from '../support/audited-server.js';
import { runCli } from '../support/cli.js';
import { query, startPostgres } from '../support/postgres.js';
import { startFlow } from '../support/request-flow.js';
import { createServiceFolder, readRecords, type Service } from '../support/service.js';
import { until } from '../support/waiting.js';

const SERVER = `
const { auditHealth } = require('otel-audit');
require('node:http').createServer((request, response) => {
  if (request.url === '/counters') return response.end(JSON.stringify(auditHealth()));
  request.resume().on('end', () => response.writeHead(201).end());
}).listen(0, '127.0.0.1', function () { console.log('listening on http://127.0.0.1:' + this.address().port); });
`;
/** Refuses every tenth record for good, and fails at every fifth call. */
const SINK = `
let calls = 0;
exports.createExporter = () => ({
  name: 'sink',
  shutdown: async () => {},
  async export(records) {
    calls += 1;
    if (calls % 5 === 0) throw new TypeError('down');
    return records.map(({ integrity }) => (integrity.seq % 10 === 0 ? { status: 'rejected', reason: 'never' } : { status: 'delivered' }));
  },
});
`;
const EXPORTERS = ['postgres', 'file', './sink.cjs'] as const;
const TRAIL = 'audit-log';
/** At least so many, in each of the four phases. */
const LOOKS = 20;

type Survey = Pick<StatusReport, 'streams'>;

test('the account is balanced at every look from outside, while a sink fails and heals, and across a kill and a restart', {
  timeout: 300_000,
}, async (t) => {
  const postgres = await startPostgres();
  t.after(() => postgres.stop());
  const url = await emptySchema(postgres.url);
  const folder = createServiceFolder({ 'server.js': SERVER, 'sink.cjs': SINK });
  t.after(() => folder.remove());
  const env = {
    AUDIT_EXPORTER: EXPORTERS.join(),
    AUDIT_POSTGRES_URL: url,
    AUDIT_FILE_DIR: TRAIL,
    AUDIT_EXCLUDE_PATHS: '/counters',
    AUDIT_HEARTBEAT_MS: '0',
  };
  const directory = join(folder.directory, TRAIL);
  let service: Service | undefined;
  t.after(async () => {
    if (service?.process.exitCode === null && service.process.signalCode === null) await service.end('SIGKILL');
  });
  const start = async (): Promise<Service> => {
    service = await folder.start({ entry: 'server.js', env, isGuarded: false });
    return service;
  };
  const stored = async (): Promise<number> => Number((await query(url, 'SELECT count(*) AS rows FROM audit_logs'))[0]?.['rows']);
  const account = watchAccount();
  let samples = 0;
  const look = async (): Promise<Survey> => {
    const survey = await surveyJournal(directory, [], Date.now());
    account.check(survey);
    samples += 1;
    return survey;
  };
  const sumOf = ({ streams }: Survey, exporter: string, key: 'journalled' | 'delivered' | 'undelivered' | 'deadLettered'): number =>
    streams.reduce((total, stream) => total + (stream.exporters[exporter]?.[key] ?? 0), 0);
  /** Looks all the time, by every way there is, while so many requests are answered. `adopted`: what the process may have taken over, by exporter. */
  const underLoad = async ({ url: place }: Service, requests: number, adopted: (exporter: string) => readonly number[]): Promise<void> => {
    const flow = startFlow(place, `flow-${samples}`);
    for (let looks = 0; looks < LOOKS || flow.answered.length < requests; looks += 1) {
      const survey = await look();
      const rows = await stored().catch(() => undefined);
      if (rows !== undefined) assert.ok(sumOf(survey, 'postgres', 'delivered') <= rows, 'nothing is called delivered that is not there');
      checkHealth(JSON.parse((await send(`${place}/counters`)).body) as AuditHealth, adopted);
    }
    await flow.stop();
    const { code, stdout } = await runCli(['status', '--json', '--journal', directory]);
    assert.equal(code, 0);
    account.check(JSON.parse(stdout) as StatusReport);
  };

  const first = await start();
  await underLoad(first, 200, () => [0]);
  await until('rows arrive', async () => sumOf(await look(), 'postgres', 'delivered') > 0, 60_000);
  await postgres.stopServer();
  await underLoad(first, 200, () => [0]);
  await first.end('SIGKILL');

  const between = await look();
  assert.ok(sumOf(between, 'postgres', 'undelivered') > 0, 'something waits for the next process');
  const second = await start();
  // From where the dead one's cursor is; as long as that is not known, all of it.
  const adopted = (exporter: string) => [0, sumOf(between, exporter, 'journalled'), sumOf(between, exporter, 'undelivered')];
  await underLoad(second, 200, adopted);
  await postgres.startServer();
  await underLoad(second, 200, adopted);
  await until('all is delivered', async () => EXPORTERS.every(async (name) => sumOf(await look(), name, 'undelivered') === 0), 60_000);
  await second.end();
  const { streams } = await look();
  const total = sumOf({ streams }, 'file', 'journalled');
  assert.equal(readRecords(directory).length, total, 'each is in the files');
  for (const name of EXPORTERS) assert.equal(sumOf({ streams }, name, 'undelivered'), 0, name);
  assert.equal(sumOf({ streams }, 'postgres', 'delivered'), total);
  assert.equal(await stored(), total, 'and once in Postgres');
  const refused = streams.reduce((sum, { lastSeq }) => sum + Math.floor(lastSeq / 10), 0);
  assert.equal(sumOf({ streams }, './sink.cjs', 'deadLettered'), refused);
  t.diagnostic(`${samples} samples of ${total} records`);
});

/** Holds what `status` says against itself, and against what it said before: what was delivered stays so. */
function watchAccount() {
  const before = new Map<string, { readonly journalled: number; readonly settled: number }>();
  return {
    check({ streams }: Survey): void {
      const shown = new Set(streams.map(({ stream }) => stream));
      for (const place of before.keys()) assert.ok(shown.has(place.split(' ')[0] ?? ''), `${place} is not shown any more`);
      for (const { stream, exporters } of streams) {
        assert.deepEqual(Object.keys(exporters).sort(), [...EXPORTERS].sort(), 'every exporter is shown');
        const numbers = Object.values(exporters).map(({ journalled }) => journalled);
        assert.equal(new Set(numbers).size, 1, `of ${stream} are ${numbers.join(' and ')} records`);
        for (const [name, { journalled, delivered, undelivered, deadLettered }] of Object.entries(exporters)) {
          const said = `${stream} ${name}: ${journalled} = ${delivered} + ${undelivered} + ${deadLettered}`;
          assert.equal(journalled, delivered + undelivered + deadLettered, said);
          assert.ok(Math.min(delivered, undelivered, deadLettered) >= 0, said);
          const last = before.get(`${stream} ${name}`) ?? { journalled: 0, settled: 0 };
          const settled = delivered + deadLettered;
          assert.ok(journalled >= last.journalled && settled >= last.settled, `${said}, after ${JSON.stringify(last)}`);
          before.set(`${stream} ${name}`, { journalled, settled });
        }
      }
    },
  };
}

/** What a process says of itself: of every request, and of every record of the streams it serves. */
function checkHealth({ capture, exporters }: AuditHealth, adopted: (exporter: string) => readonly number[]): void {
  assert.equal(imbalanceOf(capture), 0, JSON.stringify(capture));
  for (const [name, { delivered, undelivered, deadLettered }] of Object.entries(exporters)) {
    const others = delivered + undelivered + deadLettered - capture.journalled;
    assert.ok(adopted(name).includes(others), `${name}: ${others} of other processes, ${adopted(name).join(' or ')} expected`);
  }
}
