import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { createPostgresExporter } from '../../exporters/postgres/index.js';
import { chained, exampleRecord } from '../../src/testing/records.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';
import { ROOT } from '../support/service.js';
import { makeDirectory } from '../support/waiting.js';

const run = promisify(execFile);
const CLI = path.join(ROOT, 'dist/src/cli/main.js');
const POLICY = `policy:
  - { name: denied, match: { status: [401, 403] }, level: full }
  - { name: assets, match: { path: /static/** }, level: none }
  - { name: orders, match: { method: post, path: /api/orders }, level: request, action: order.placed, sample: 0.5 }
`;

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function cli(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  const options = { env: { PATH: process.env['PATH'], ...env }, timeout: 20_000 };
  return await run(process.execPath, [CLI, ...args], options).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: Outcome) => error,
  );
}

function policyFile(content = POLICY): string {
  const file = path.join(makeDirectory(), 'audit.yaml');
  writeFileSync(file, content);
  return file;
}

describe('otel-audit policy', () => {
  it('check finds no fault in a sound file', async () => {
    const { code, stdout } = await cli(['policy', 'check', policyFile()]);
    assert.equal(code, 0);
    assert.match(stdout, /3 rule\(s\), no fault/);
  });

  it('check lists every fault by its place, without values', async () => {
    const bad = `policy:
  - { name: a, level: hunter2 }
  - { level: full, match: { status: 9xx, path: hunter2, colour: red }, delivery: hunter2 }
  - { level: full, target: hunter2, maxBodyBytes: -1, sample: 2 }
`;
    const { code, stderr } = await cli(['policy', 'check', policyFile(bad)]);
    assert.equal(code, 78);
    for (const place of [
      '0.level',
      '1.match.status',
      '1.match.path',
      '1.match.colour',
      '1.delivery',
      '2.target',
      '2.maxBodyBytes',
      '2.sample',
    ])
      assert.ok(stderr.includes(`policy.${place}: `), `${place} in ${stderr}`);
    assert.match(stderr, /1\.delivery: must be one of async, confirmed, strict/);
    assert.ok(!stderr.includes('hunter2'));
  });

  it('check warns of rules that are no fault and may be a mistake', async () => {
    const odd =
      'policy: [{ name: types, match: { contentType: text/* }, level: none }, { name: all, level: full }, { name: late, level: none }]';
    const { stdout } = await cli(['policy', 'check', policyFile(odd)]);
    assert.match(stdout, /warning: types excludes by content type, which the client chooses/);
    assert.match(stdout, /warning: late is never reached: all before it/);
  });

  it('explain says which rule wins, why, and what else might', async () => {
    const file = policyFile();
    const { stdout } = await cli(['policy', 'explain', 'post', '/api/orders?x=1', '--file', file]);
    assert.match(stdout, /rule {6}orders \(3 of 8\)\n {2}because {3}method POST matches POST; path \/api\/orders matches \/api\/orders/);
    assert.match(stdout, /result {4}request: recorded with the request body, of successes a share of 0\.5, as order\.placed/);
    assert.match(stdout, /not {7}denied: status is 200, not 401 or 403/);
    assert.match(stdout, /but {7}denied would win/);
    const denied = await cli(['policy', 'explain', 'POST', '/api/orders', '--status', '403'], { AUDIT_CONFIG_FILE: file });
    assert.match(denied.stdout, /rule {6}denied \(1 of 8\)/);
    assert.doesNotMatch(denied.stdout, /but /);
  });
});

describe('otel-audit inventory', () => {
  let postgres: TestPostgres;
  const orders = { method: 'POST', path: '/api/orders', contentType: 'application/json' };
  const records = chained([
    exampleRecord(0, { request: { id: 'r', ...orders } }),
    exampleRecord(1, { request: { id: 'r', ...orders }, response: { status: 403 } }),
    exampleRecord(2, { request: { id: 'r', method: 'GET', path: '/users/ada' } }),
    exampleRecord(3, { request: { id: 'r', method: 'GET', path: '/users/bob' } }),
    exampleRecord(4, { request: { id: 'r', method: 'GET', path: '/a/1', route: '/a/:a' } }),
    // Of requests that are counted already.
    exampleRecord(5, { phase: 'start', request: { id: 'r', ...orders }, response: undefined }),
    exampleRecord(6, { kind: 'amendment', request: { id: 'r', ...orders } }),
  ]);

  before(async () => {
    postgres = await startPostgres();
    const exporter = createPostgresExporter({ url: postgres.url });
    await exporter.export(records, AbortSignal.timeout(20_000));
    await exporter.shutdown();
  });
  after(() => postgres.stop());

  function assertListed(stdout: string): void {
    const rows = stdout.split('\n').map((line) => line.split(/\s{2,}/));
    const seen = (route: string) => rows.find(([, where, , , count]) => where === route && /^\d+$/.test(count ?? ''))?.slice(0, 5);
    assert.deepEqual(seen('/api/orders'), ['POST', '/api/orders', 'request|full', 'orders|denied', '2']);
    assert.deepEqual(seen('/users/:id'), ['GET', '/users/:id', 'metadata', 'default:metadata', '2']);
    assert.deepEqual(seen('/a/:a'), ['GET', '/a/:a', 'metadata', 'default:metadata', '1']);
    assert.ok(
      rows.some(([method, where, level, rule]) => method === '*' && where === '/static/**' && level === 'none' && rule === 'assets'),
    );
  }

  it('lists what is configured and what the files have seen', async () => {
    const directory = makeDirectory();
    writeFileSync(path.join(directory, '00000001.jsonl'), `${records.map((record) => JSON.stringify(record)).join('\n')}\n{"torn`);
    assertListed((await cli(['inventory', '--dir', directory], { AUDIT_CONFIG_FILE: policyFile() })).stdout);
  });

  it('lists what the database has seen', async () => {
    const env = { AUDIT_CONFIG_FILE: policyFile(), AUDIT_POSTGRES_URL: postgres.url };
    const { stdout, stderr } = await cli(['inventory'], { ...env, AUDIT_EXCLUDE_PATHS: '/ping' });
    assert.match(stdout, /^recorded by postgres, kept in audit_logs until `otel-audit prune` removes it$/m);
    for (const [path, rule] of [
      ['/health', 'probe'],
      ['/favicon.ico', 'probe'],
      ['/ping', 'excluded'],
    ])
      assert.match(stdout, new RegExp(`^GET,HEAD +${path} +none +default:${rule}$`, 'm'));
    assert.equal(stderr, '');
    assertListed(stdout);
  });
});
