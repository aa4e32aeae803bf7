/** Roles, retention, holds and archives from the command line, as the README has them. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createPostgresExporter } from '../../exporters/postgres/index.js';
import type { JournalledRecord } from '../../src/record.js';
import { chained, exampleRecord } from '../../src/testing/records.js';
import { emptySchema, newRole, readTrail } from '../support/audit-schema.js';
import { query, startPostgres, type TestPostgres } from '../support/postgres.js';
import { ROOT } from '../support/service.js';

const DAY_MS = 86_400_000;
const SEED = Buffer.alloc(32, 7).toString('base64');
const journals = mkdtempSync(path.join(tmpdir(), 'otel-audit-cli-journals-'));

describe('otel-audit on the command line', () => {
  let postgres: TestPostgres;
  const directory = mkdtempSync(path.join(tmpdir(), 'otel-audit-cli-'));
  before(async () => {
    postgres = await startPostgres();
  });
  after(async () => {
    await postgres?.stop();
    rmSync(directory, { recursive: true });
    rmSync(journals, { recursive: true });
  });

  it('makes roles, holds, archives, prunes and restores', async () => {
    const owner = await emptySchema(postgres.url);
    const made = await cli(owner, 'migrate', '--roles', '--partitions', 'day');
    assert.match(made.out, /applied version 1, .*\n.*partitions of a day.*\n.*audit_writer, audit_reader or audit_retention/);
    const { role, url: retention } = await newRole(owner);
    await query(owner, `GRANT audit_retention TO ${role}`);
    const records = chained([300, 300, 0].map((age, n) => exampleRecord(n, { time: new Date(Date.now() - age * DAY_MS).toISOString() })));
    const exporter = createPostgresExporter({ url: owner });
    await exporter.export(records, AbortSignal.timeout(60_000));
    await exporter.shutdown();

    assert.match((await cli(owner, 'hold', 'add', 'case 7', '--actor', 'user-1', '--url', retention)).out, /^hold 1 is in force/);
    assert.match((await cli(retention, 'hold', 'list')).out, /^1 {2}actorId user-1 {2}"case 7" .* in force/);
    const archived = await cli(owner, 'archive', '--dir', directory, '--url', retention);
    assert.match(archived.out, /^audit_logs_[\d_]+\.jsonl\.gz: 2 records, manifest sha256 [\da-f]{64}\n$/);
    const planned = await cli(retention, 'prune', '--keep', '100d', '--tenant', 'nobody=7y');
    assert.match(planned.out, /would remove 1 of 2; 1 under legal hold stay\n1 records; nothing was changed/);
    assert.equal((await requestsIn(owner)).length, 3);
    assert.match((await cli(owner, 'prune', '--keep', '100d', '--apply', '--url', retention)).out, /1 records removed/);
    assert.deepEqual(await requestsIn(owner), records.slice(1));
    assert.match((await cli(owner, 'hold', 'release', '1', 'settled', '--url', retention)).out, /hold 1 is released/);
    assert.match((await cli(owner, 'prune', '--keep', '100d', '--apply', '--url', retention)).out, /the whole partition/);
    assert.equal((await cli(owner, 'verify')).code, 0);
    assert.match((await cli(owner, 'restore', '--dir', directory)).out, /: 2 records\n$/);
    assert.deepEqual(await requestsIn(owner), records);
  });

  it('records in the trail what is pruned, before and after, by whom, and with the last checkpoint; a dry run is none', async () => {
    const owner = await emptySchema(postgres.url);
    await cli(owner, 'migrate');
    const old = new Date(Date.now() - 300 * DAY_MS).toISOString();
    const exporter = createPostgresExporter({ url: owner });
    await exporter.export(
      chained([exampleRecord(0, { time: old }), exampleRecord(1, { time: old }), exampleRecord(2)]),
      AbortSignal.timeout(60_000),
    );
    await exporter.shutdown();
    await cli(owner, 'prune', '--keep', '100d');
    assert.deepEqual(
      (await readTrail(owner)).map(({ kind }) => kind),
      ['http', 'http', 'http'],
    );
    // Finds nothing to remove, and leaves checkpoints in the trail.
    await cli(owner, 'prune', '--keep', '400d', '--apply');
    const [last] = await query(
      owner,
      'SELECT stream, seq::float8 AS seq FROM audit_checkpoints ORDER BY occurred_at DESC, seq DESC LIMIT 1',
    );
    await cli(owner, 'prune', '--keep', '100d', '--apply');
    const [pruning, pruned] = (await readTrail(owner)).filter(({ kind }) => kind === 'event').slice(-2);
    assert.equal(pruning?.action, 'audit.pruning');
    assert.equal(pruned?.action, 'audit.pruned');
    assert.equal(pruned?.outcome, 'success');
    assert.equal(pruned?.actor.id, process.env['SUDO_USER'] ?? userInfo().username);
    const { removed, begun, keep, partitions, checkpoint } = pruned?.metadata ?? {};
    assert.deepEqual([removed, begun, keep], [2, pruning?.id, { default: '100 days' }]);
    assert.match(JSON.stringify(partitions), /"removed":2/);
    const { stream, seq } = checkpoint as { readonly stream: string; readonly seq: number };
    assert.deepEqual({ stream, seq }, last);
    const verified = await cli(owner, 'verify');
    assert.equal(verified.code, 0, verified.out + verified.error);
    assert.match(verified.out, /were removed, as the ledger of removals says/);
  });

  it('records holds, archives and restorations in the trail, with what is to be known of them later; lists and dry runs are none', async () => {
    const owner = await emptySchema(postgres.url);
    await cli(owner, 'migrate');
    const exporter = createPostgresExporter({ url: owner });
    await exporter.export(
      chained([exampleRecord(0, { time: new Date(Date.now() - 60 * DAY_MS).toISOString() })]),
      AbortSignal.timeout(60_000),
    );
    await exporter.shutdown();
    const kept = path.join(directory, 'recorded');
    await cli(owner, 'hold', 'add', 'case 7', '--actor', 'user-1');
    await cli(owner, 'hold', 'list');
    const archived = await cli(owner, 'archive', '--dir', kept);
    await cli(owner, 'restore', '--dir', kept);
    await cli(owner, 'hold', 'release', '1', 'settled');
    assert.equal((await cli(owner, 'hold', 'release', '1', 'again')).code, 1);
    const events = (await readTrail(owner))
      .filter(({ kind }) => kind === 'event')
      .sort((a, b) => a.observedTime.localeCompare(b.observedTime));
    assert.deepEqual(
      events.map(({ action, outcome }) => `${action} ${outcome}`),
      [
        'audit.holding unknown',
        'audit.held success',
        'audit.archiving unknown',
        'audit.archived success',
        'audit.restoring unknown',
        'audit.restored success',
        'audit.releasing unknown',
        'audit.released success',
        'audit.releasing unknown',
        'audit.released failure',
      ],
    );
    const saidOf = (action: string) => events.find((event) => event.action === action)?.metadata ?? {};
    const { begun: _, ...held } = saidOf('audit.held');
    assert.deepEqual(held, { reason: 'case 7', actorId: 'user-1', hold: 1 });
    const [file, sha256] = /^(\S+): 1 records, manifest sha256 ([\da-f]{64})\n$/.exec(archived.out)?.slice(1) ?? [];
    assert.deepEqual(saidOf('audit.archived')['files'], [{ file, records: 1, altered: 0, manifestSha256: sha256 }]);
    assert.deepEqual(saidOf('audit.restored')['files'], [{ file, records: 1, rejected: {} }]);
    assert.equal(saidOf('audit.released')['reason'], 'settled');
    for (const event of events) assert.equal(event.actor.id, process.env['SUDO_USER'] ?? userInfo().username);
    assert.equal((await cli(owner, 'verify')).code, 0);
  });

  it('says in the trail that pruning failed, and to whom it is refused that nothing was done', async () => {
    const owner = await emptySchema(postgres.url);
    await cli(owner, 'migrate');
    assert.equal((await cli(owner, 'prune', '--keep', '1d', '--apply')).code, 1);
    const pruned = (await readTrail(owner)).find(({ action }) => action === 'audit.pruned');
    assert.equal(pruned?.outcome, 'failure');
    assert.match(String(pruned?.error?.message), /at least 30 days/);
  });

  it('says what is wrong with a flag or refused by the database, and changes nothing', async () => {
    const owner = await emptySchema(postgres.url);
    await cli(owner, 'migrate');
    for (const [status, said, ...args] of [
      [2, /must be a time such as/, 'hold', 'add', 'x', '--from', 'yesterday'],
      [1, /every period must be at least 30 days/, 'prune', '--keep', '1d', '--apply'],
      [1, /none of that number that is still in force/, 'hold', 'release', '7', 'x'],
      [1, /holds no \*\.manifest\.json/, 'restore', '--dir', tmpdir()],
    ] as const) {
      const { code, error } = await cli(owner, ...args);
      assert.equal(code, status, error);
      assert.match(error, said);
    }
  });
});

async function requestsIn(url: string): Promise<readonly JournalledRecord[]> {
  return (await readTrail(url)).filter(({ kind }) => kind === 'http');
}

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

function cli(url: string, ...args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const main = path.join(ROOT, 'dist/src/cli/main.js');
    const options = {
      env: { ...process.env, AUDIT_POSTGRES_URL: url, AUDIT_JOURNAL_DIR: mkdtempSync(path.join(journals, 'j')), AUDIT_SIGNING_KEY: SEED },
      timeout: 60_000,
    };
    execFile(process.execPath, [main, ...args], options, (failure, out, error) => {
      resolve({ code: typeof failure?.code === 'number' ? failure.code : failure === null ? 0 : -1, out, error });
    });
  });
}
