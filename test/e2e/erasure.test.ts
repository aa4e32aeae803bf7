/** One person erased from the trail of real services: nothing of theirs is readable anywhere, and everything still verifies. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { emptySchema, readTrail } from '../support/audit-schema.js';
import { send } from '../support/audited-server.js';
import { runCli } from '../support/cli.js';
import { query, startPostgres, type TestPostgres } from '../support/postgres.js';
import { createServiceFolder, type Service, type ServiceFolder } from '../support/service.js';
import { until } from '../support/waiting.js';

const SERVER = `
const http = require('node:http');
const { setActor } = require('otel-audit');
const server = http.createServer((request, response) => {
  const id = request.url.split('/')[2];
  setActor({ id, email: id + '@canary.example', name: 'Canary of ' + id });
  request.resume().on('end', () => response.end('canary for ' + id));
});
server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));
process.on('SIGTERM', () => { server.close(); server.closeAllConnections(); });
`;
const JSON_TYPE = { 'content-type': 'application/json' };
const ask = (service: Service, id: string, place = 'orders') =>
  send(`${service.url}/${place}/${id}`, { method: 'POST', headers: JSON_TYPE }, JSON.stringify({ note: `canary from ${id}` }));

/** Every byte of every file below. */
const everythingBelow = (directory: string): string =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(path.join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');

describe('otel-audit erase', () => {
  let postgres: TestPostgres;
  const folders: ServiceFolder[] = [];
  const services: Service[] = [];
  before(async () => {
    postgres = await startPostgres();
  });
  after(async () => {
    for (const service of services) service.process.kill('SIGKILL');
    await postgres.stop();
    for (const folder of folders) folder.remove();
  });

  const newFolder = (): ServiceFolder => {
    const folder = createServiceFolder({
      'server.js': SERVER,
      'audit.yaml': `policy: [{ name: held, match: { path: '/held/**', method: POST }, level: full, delivery: confirmed }, { name: rest, match: {}, level: full }]`,
    });
    folders.push(folder);
    return folder;
  };
  const start = async (folder: ServiceFolder, env: Readonly<Record<string, string>>): Promise<Service> => {
    const service = await folder.start({ entry: 'server.js', env });
    services.push(service);
    return service;
  };

  it('leaves nothing of a person readable in files, after kill -9 and with two processes at once', async () => {
    const folder = newFolder();
    const { directory } = folder;
    const env = {
      AUDIT_SUBJECT_KEYS: path.join(directory, 'keys'),
      AUDIT_FILE_DIR: path.join(directory, 'audit-log'),
      AUDIT_CONFIG_FILE: 'audit.yaml',
    };
    const pair = await Promise.all([start(folder, env), start(folder, env)]);
    for (const id of ['ada', 'bob', 'cy', 'di']) await Promise.all(pair.map((service) => ask(service, id, 'held')));
    await Promise.all(pair.map((service) => service.end('SIGKILL')));
    assert.equal(readdirSync(env.AUDIT_SUBJECT_KEYS).filter((name) => name.endsWith('.key')).length, 4);
    assert.doesNotMatch(everythingBelow(env.AUDIT_FILE_DIR), /canary/i);

    const running = await start(folder, env);
    await ask(running, 'ada');
    const cli = (...args: readonly string[]) => runCli(args, env, directory);
    const shown = async (id: string) => (await cli('query', '--actor', id, '--action', 'held*', '--format', 'json')).stdout;
    assert.equal((await shown('ada')).match(/Canary of ada/g)?.length, 2);
    const [first] = folder.records().filter(({ actor, response }) => actor.id === 'ada' && response !== undefined);
    const before = await cli('show', first?.id ?? '');
    assert.match(
      before.stdout,
      /ada@canary\.example, Canary of ada[\s\S]*\(matches\)[\s\S]*"note": "canary from ada"[\s\S]*canary for ada/,
    );
    const byBody = await cli('query', '--text', 'canary from bob', '--format', 'json');
    assert.equal(byBody.stdout.trim().split('\n').length, 2);

    const dry = await cli('erase', '--actor', 'ada');
    assert.match(dry.stdout, /^1 key of ada would be destroyed; nothing was changed/);
    assert.match((await shown('ada')) ?? '', /Canary of ada/);
    assert.match((await cli('erase', '--actor', 'nobody', '--apply')).stdout, /there is no key of nobody/);
    const key = readdirSync(env.AUDIT_SUBJECT_KEYS).map((name) => readFileSync(path.join(env.AUDIT_SUBJECT_KEYS, name)));
    // Who acts on meanwhile gets another key at once.
    const isOver = new AbortController();
    const traffic = (async () => {
      while (!isOver.signal.aborted) await ask(running, 'ada', 'meanwhile');
    })();
    const erased = await cli('erase', '--actor', 'ada', '--apply', '--reason', 'request 17');
    isOver.abort();
    await traffic;
    assert.equal(erased.code, 0, erased.stderr);
    assert.match(erased.stdout, /1 key of ada destroyed/);

    const records = folder.records();
    const events = records.filter(({ action }) => action.startsWith('audit.eras'));
    assert.deepEqual(
      events.map(({ action, outcome, target, metadata }) => [action, outcome, target?.id, metadata?.['reason']]),
      [
        ['audit.erasing', 'unknown', 'ada', 'request 17'],
        ['audit.erased', 'success', 'ada', 'request 17'],
      ],
    );
    const left = everythingBelow(env.AUDIT_SUBJECT_KEYS);
    assert.equal(key.filter((secret) => !left.includes(secret.toString('latin1'))).length, 1);
    assert.match((await cli('show', first?.id ?? '')).stdout, /\[erased\], \[erased\][\s\S]*\(matches\)[\s\S]*\[erased\][\s\S]*\[erased\]/);
    assert.doesNotMatch((await shown('ada')) ?? '', /canary/i);
    assert.equal((await shown('bob')).match(/Canary of bob/g)?.length, 2);

    await ask(running, 'ada');
    await running.end();
    assert.match((await cli('query', '--actor', 'ada', '-n', '1', '--format', 'json')).stdout, /Canary of ada/);
    const meanwhile = (await cli('query', '--actor', 'ada', '--action', 'meanwhile*', '--format', 'json', '-n', '100000')).stdout;
    assert.doesNotMatch(meanwhile, /does not fit|not in AUDIT/);
    assert.match(meanwhile, /\[erased\]/);
    assert.match(meanwhile, /Canary of ada/);
    const verified = await cli('verify');
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    const exported = path.join(directory, 'export.jsonl');
    assert.equal((await cli('export', '--out', exported)).code, 0);
    assert.doesNotMatch(readFileSync(exported, 'utf8'), /canary/i);
    assert.equal((await cli('verify', exported)).code, 0);
    assert.match((await cli('export', '--decrypt')).stdout, /Canary of bob/);
    assert.match((await cli('export', '--format', 'csv')).stdout, /bob@canary/);
  });

  it('obeys a legal hold in Postgres, and then leaves nothing readable there', async () => {
    const folder = newFolder();
    const { directory } = folder;
    const url = await emptySchema(postgres.url);
    const env = {
      AUDIT_SUBJECT_KEYS: path.join(directory, 'keys'),
      AUDIT_JOURNAL_DIR: path.join(directory, 'journal'),
      AUDIT_POSTGRES_URL: url,
    };
    const service = await start(folder, env);
    for (const id of ['ada', 'bob']) await ask(service, id);
    await until('the rows are there', async () => (await readTrail(url)).filter(({ kind }) => kind === 'http').length === 2);
    const cli = (...args: readonly string[]) => runCli(args, env, directory);
    const everyRow = async () => JSON.stringify(await query(url, 'SELECT * FROM audit_logs'));
    assert.doesNotMatch(await everyRow(), /canary/i);
    assert.match((await cli('query', '--text', 'canary from ada', '--format', 'json')).stdout, /Canary of ada/);

    await cli('hold', 'add', 'another person', '--actor', 'bob');
    await cli('hold', 'add', 'another target', '--target', 'nothing/7');
    await cli('hold', 'add', 'case 7', '--actor', 'ada');
    const refused = await cli('erase', '--actor', 'ada', '--apply');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /nothing was erased: ada is under legal hold 3 "case 7"; it must be released first/);
    await cli('hold', 'release', '3', 'settled');
    await cli('hold', 'add', 'case 8', '--target', 'order/ada');
    const [row] = await query(url, "SELECT target_type, target_id FROM audit_logs WHERE actor_id = 'ada'");
    await cli('hold', 'add', 'case 9', '--target', `${row?.['target_type']}/${row?.['target_id']}`);
    assert.match((await cli('erase', '--actor', 'ada')).stderr, /under legal hold .*"case 9"/);
    for (const id of ['4', '5']) await cli('hold', 'release', id, 'settled');

    const erased = await cli('erase', '--actor', 'ada', '--apply');
    assert.equal(erased.code, 0, erased.stderr);
    await service.end();
    const actions = (await readTrail(url)).map(({ action }) => action);
    assert.ok(actions.includes('audit.erased'), actions.join());
    const [record] = (await readTrail(url)).filter(({ actor }) => actor.id === 'ada');
    assert.match((await cli('show', record?.id ?? '')).stdout, /\[erased\], \[erased\][\s\S]*\(matches\)/);
    assert.equal((await cli('query', '--text', 'canary from ada', '--format', 'json')).stdout, '');
    assert.match((await cli('query', '--text', 'canary from bob', '--format', 'json')).stdout, /Canary of bob/);
    const verified = await cli('verify');
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    assert.doesNotMatch(everythingBelow(env.AUDIT_JOURNAL_DIR), /canary/i);
  });

  it('changes nothing where the holds cannot be read, the erasure cannot be recorded, or no keys are configured', async () => {
    const folder = newFolder();
    const { directory } = folder;
    const env = { AUDIT_SUBJECT_KEYS: path.join(directory, 'keys'), AUDIT_FILE_DIR: path.join(directory, 'audit-log') };
    const service = await start(folder, env);
    await ask(service, 'ada');
    await service.end();
    const unreachable = { ...env, AUDIT_EXPORTER: 'file', AUDIT_POSTGRES_URL: 'postgres://nobody:x@127.0.0.1:1/none' };
    const unread = await runCli(['erase', '--actor', 'ada', '--apply'], unreachable, directory);
    assert.equal(unread.code, 1);
    assert.match(unread.stderr, /whether a legal hold covers the actor cannot be read/);
    const unwritable = await runCli(['erase', '--actor', 'ada', '--apply'], { ...env, AUDIT_FILE_DIR: 'server.js/x' }, directory);
    assert.equal(unwritable.code, 1);
    assert.match(unwritable.stderr, /nothing was erased, as it could not be recorded/);
    assert.equal((await runCli(['erase', '--actor', 'ada', '--apply'], {}, directory)).code, 78);
    assert.match((await runCli(['query', '--actor', 'ada', '--format', 'json'], env, directory)).stdout, /Canary of ada/);
  });
});
