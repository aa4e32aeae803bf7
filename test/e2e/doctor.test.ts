import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createTables } from '../../exporters/postgres/index.js';
import type { DoctorReport } from '../../src/cli/doctor.js';
import { emptySchema, newRole } from '../support/audit-schema.js';
import { send } from '../support/audited-server.js';
import { startCollector } from '../support/collector.js';
import { query, startPostgres, type TestPostgres } from '../support/postgres.js';
import { createServiceFolder, ROOT, type ServiceFolder } from '../support/service.js';

const CLI = path.join(ROOT, 'dist/src/cli/main.js');
const SERVER = `
const server = require('node:http').createServer((request, response) => response.end('ok'));
server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));`;

describe('otel-audit doctor', () => {
  let postgres: TestPostgres;
  const folders: ServiceFolder[] = [];
  before(async () => {
    postgres = await startPostgres();
  });
  after(async () => {
    for (const folder of folders) folder.remove();
    await postgres?.stop();
  });

  function folderWith(files: Readonly<Record<string, string>> = {}): ServiceFolder {
    const folder = createServiceFolder(files);
    folders.push(folder);
    return folder;
  }

  async function doctor(
    folder: ServiceFolder,
    env: Readonly<Record<string, string>> = {},
    args: readonly string[] = ['--json'],
  ): Promise<{ readonly code: number; readonly text: string; readonly report: DoctorReport }> {
    const options = { cwd: folder.directory, env: { PATH: process.env['PATH'], ...env }, timeout: 30_000 };
    const { code, text } = await new Promise<{ code: number; text: string }>((resolve) => {
      execFile(process.execPath, [CLI, 'doctor', ...args], options, (error, stdout) => {
        resolve({ code: error === null ? 0 : Number(error.code), text: stdout });
      });
    });
    return { code, text, report: (args.includes('--json') ? JSON.parse(text) : undefined) as DoctorReport };
  }

  it('says the mode, its reason and what was found, and starts nothing', async () => {
    const folder = folderWith();
    const { code, report } = await doctor(folder);
    assert.equal(code, 0);
    assert.equal(report.healthy, true);
    assert.deepEqual(report.mode, { mode: 'standalone', reason: 'no other telemetry SDK was found' });
    assert.equal(report.journal?.state, 'absent');
    assert.ok(!readdirSync(folder.directory).includes('audit-log'));
  });

  it("reads the entry script's package.json and the preloads of NODE_OPTIONS, and does not take our own tap for another's", async () => {
    const manifest = JSON.stringify({ name: 'api', dependencies: { 'dd-trace': '5', '@sentry/node': '10' } });
    const folder = folderWith({ 'apps/api/package.json': manifest, 'node_modules/newrelic/index.js': '' });
    const env = { NODE_OPTIONS: '--require otel-audit/register --require newrelic' };
    const inApp = await doctor(folder, env, ['apps/api/server.js', '--json']);
    assert.deepEqual(inApp.report.mode, { mode: 'attach', reason: "the service's package.json declares dd-trace" });
    assert.deepEqual(inApp.report.found, { declared: ['dd-trace', '@sentry/node'], preloaded: ['newrelic'] });
    assert.equal((await doctor(folder, env)).report.mode.reason, 'newrelic is preloaded');
    const alone = await doctor(folder, { NODE_OPTIONS: '--require otel-audit/register', AUDIT_MODE: 'auto' });
    assert.equal(alone.report.mode.mode, 'standalone');
  });

  it('says of each setting where it comes from, and shows no secret', async () => {
    const folder = folderWith({ 'audit.yaml': 'maxBodyBytes: 5\nredactFields: [iban]\nexporters: { ./own.js: { apiKey: hunter2 } }\n' });
    writeFileSync(path.join(folder.directory, 'url'), 'postgres://audit:hunter2@127.0.0.1:1/audit?password=hunter2');
    const env = {
      AUDIT_CONFIG_FILE: 'audit.yaml',
      AUDIT_MAX_BODY_BYTES: '7',
      AUDIT_POSTGRES_URL_FILE: 'url',
      AUDIT_AZURE_CONNECTION_STRING: 'InstrumentationKey=hunter2',
      AUDIT_EXPORTER: 'postgres,InstrumentationKey=hunter2',
    };
    const { code, text, report } = await doctor(folder, env);
    const setting = (name: string) => {
      const { value, origin, from } = report.settings.find((each) => each.name === name) ?? {};
      return [value, origin, from];
    };
    assert.deepEqual(setting('AUDIT_MODE'), ['auto', 'default', undefined]);
    assert.deepEqual(setting('AUDIT_MAX_BODY_BYTES'), ['7', 'environment', 'AUDIT_MAX_BODY_BYTES']);
    assert.deepEqual(setting('AUDIT_REDACT_FIELDS'), ['iban', 'file', 'AUDIT_CONFIG_FILE']);
    assert.deepEqual(setting('AUDIT_POSTGRES_URL'), ['postgres://127.0.0.1:1/audit', 'environment', 'AUDIT_POSTGRES_URL_FILE']);
    assert.equal(code, 1);
    assert.match(report.faults.join(), /AUDIT_EXPORTER/);
    const human = await doctor(folder, env, []);
    assert.match(human.text, /AUDIT_MAX_BODY_BYTES +7 {2}\[environment: AUDIT_MAX_BODY_BYTES\]/);
    for (const said of [text, human.text]) assert.ok(!said.includes('hunter2'), said);
  });

  it('asks Postgres what the role may do', async () => {
    const folder = folderWith();
    const url = await emptySchema(postgres.url);
    const findings = async (as: string) => {
      const { report } = await doctor(folder, { AUDIT_POSTGRES_URL: as });
      const [exporter] = report.exporters;
      assert.equal(exporter?.reachable, true, exporter?.findings.join());
      return exporter?.findings.join('\n') ?? '';
    };
    assert.match(await findings(url), /does not exist yet/);
    await createTables(url);
    assert.match(await findings(url), /a superuser/);
    const { role, url: writer } = await newRole(url);
    await query(url, `GRANT INSERT ON audit_logs TO ${role}`);
    assert.match(
      await findings(writer),
      /may insert\n.*may not make partitions.*\n(?:.*\n)*.*triggers stand.*\n.*append-only by privilege/,
    );
    await query(url, `GRANT DELETE ON audit_logs TO ${role}`);
    assert.match(await findings(writer), /only the triggers keep rows/);
    await query(url, 'ALTER TABLE audit_logs DISABLE TRIGGER audit_append_only');
    assert.match(await findings(writer), /missing or disabled/);
  });

  it('says which exporters cannot be reached', async () => {
    const folder = folderWith({ 'own.js': 'exports.createExporter = () => ({ name: "own", export() {}, shutdown() {} });' });
    const collector = await startCollector();
    const key = 'InstrumentationKey=00000000-0000-4000-8000-000000000001;IngestionEndpoint=';
    const env = { AUDIT_EXPORTER: 'azure,./own.js', AUDIT_AZURE_CONNECTION_STRING: `${key}${collector.url}/` };
    const up = await doctor(folder, env);
    await collector.close();
    const down = await doctor(folder, env);
    const reached = ({ report }: typeof up) => report.exporters.map(({ name, reachable }) => [name, reachable]);
    assert.deepEqual(
      [up.code, reached(up)],
      [
        0,
        [
          ['azure', true],
          ['./own.js', true],
        ],
      ],
    );
    assert.deepEqual(
      [down.code, reached(down)],
      [
        1,
        [
          ['azure', false],
          ['./own.js', true],
        ],
      ],
    );
    assert.match(down.report.exporters[0]?.findings.join() ?? '', /ECONNREFUSED/);
  });

  it("says what a journal holds, while its process runs, after its end, and for another exporter's eyes", async () => {
    const folder = folderWith({ 'server.cjs': SERVER, 'never.js': NEVER });
    const env = { AUDIT_EXPORTER: './never.js', AUDIT_JOURNAL_DIR: 'journal', AUDIT_SHUTDOWN_TIMEOUT_MS: '100' };
    const service = await folder.start({ entry: 'server.cjs', env });
    await send(service.url);
    await send(service.url);
    const streams = async () => {
      const { report } = await doctor(folder, env);
      return report.journal?.streams.map(({ service: of, state, lastSeq, undelivered }) => [of, state, lastSeq, undelivered]);
    };
    // The start, and later the stop, are records too.
    assert.deepEqual(await streams(), [['tested-service', 'live', 3, { './never.js': 3 }]]);
    await service.end();
    assert.deepEqual(await streams(), [['tested-service', 'waiting', 4, { './never.js': 4 }]]);
    assert.match((await doctor(folder, env, [])).text, /tested-service: ended, the rest waits for the next process, last record 4/);
    assert.equal((await doctor(folder, env)).report.journal?.state, 'usable');
    mkdirSync(path.join(folder.directory, 'open'), { mode: 0o755 });
    const open = await doctor(folder, { ...env, AUDIT_JOURNAL_DIR: 'open' });
    assert.deepEqual([open.code, open.report.journal?.state], [1, 'unsafe']);
  });

  it('finds the faults of redaction that would stop the start', async () => {
    const folder = folderWith({ 'audit.yaml': 'redaction: { functions: ./gone.js, rules: [{ fields: [ref], action: hash }] }' });
    const { code, report } = await doctor(folder, { AUDIT_CONFIG_FILE: 'audit.yaml' });
    assert.equal(code, 1);
    assert.match(report.faults.join('\n'), /hash needs AUDIT_HASH_KEY\n.*redaction\.functions: there is no such module/);
  });

  it('says of a stream that it is done once all of it has arrived, whoever finds that out', async () => {
    const folder = folderWith({ 'server.cjs': SERVER });
    const service = await folder.start({ entry: 'server.cjs', env: { AUDIT_EXPORTER: 'file' } });
    await send(service.url);
    await service.end();
    const { report } = await doctor(folder);
    assert.deepEqual(
      report.journal?.streams.map(({ state, undelivered }) => [state, undelivered]),
      [['complete', { file: 0 }]],
    );
    assert.match((await doctor(folder, {}, [])).text, /tested-service: ended, all delivered, last record 3/);
  });
});

const NEVER = `
exports.createExporter = () => ({
  name: 'never',
  export: async (records) => records.map(() => ({ status: 'retry', reason: 'not today' })),
  shutdown: async () => {},
});`;
