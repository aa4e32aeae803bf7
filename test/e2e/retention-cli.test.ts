/** Roles, retention, holds and archives from the command line, as the README has them. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createPostgresExporter } from '../../exporters/postgres/index.js';
import { chained, exampleRecord } from '../../src/testing/records.js';
import { emptySchema, newRole, readTrail } from '../support/audit-schema.js';
import { query, startPostgres, type TestPostgres } from '../support/postgres.js';
import { ROOT } from '../support/service.js';

const DAY_MS = 86_400_000;

describe('otel-audit on the command line', () => {
  let postgres: TestPostgres;
  const directory = mkdtempSync(path.join(tmpdir(), 'otel-audit-cli-'));
  before(async () => {
    postgres = await startPostgres();
  });
  after(async () => {
    await postgres?.stop();
    rmSync(directory, { recursive: true });
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

    assert.match((await cli(retention, 'hold', 'add', 'case 7', '--actor', 'user-1')).out, /^hold 1 is in force/);
    assert.match((await cli(retention, 'hold', 'list')).out, /^1 {2}actorId user-1 {2}"case 7" .* in force/);
    const archived = await cli(retention, 'archive', '--dir', directory);
    assert.match(archived.out, /^audit_logs_[\d_]+\.jsonl\.gz: 2 records, manifest sha256 [\da-f]{64}\n$/);
    const planned = await cli(retention, 'prune', '--keep', '100d', '--tenant', 'nobody=7y');
    assert.match(planned.out, /would remove 1 of 2; 1 under legal hold stay\n1 records; nothing was changed/);
    assert.equal((await readTrail(owner)).length, 3);
    assert.match((await cli(retention, 'prune', '--keep', '100d', '--apply')).out, /1 records removed/);
    assert.deepEqual(await readTrail(owner), records.slice(1));
    assert.match((await cli(retention, 'hold', 'release', '1', 'settled')).out, /hold 1 is released/);
    assert.match((await cli(retention, 'prune', '--keep', '100d', '--apply')).out, /the whole partition/);
    assert.match((await cli(owner, 'restore', '--dir', directory)).out, /: 2 records\n$/);
    assert.deepEqual(await readTrail(owner), records);
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

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

function cli(url: string, ...args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const main = path.join(ROOT, 'dist/src/cli/main.js');
    const options = { env: { ...process.env, AUDIT_POSTGRES_URL: url }, timeout: 60_000 };
    execFile(process.execPath, [main, ...args], options, (failure, out, error) => {
      resolve({ code: typeof failure?.code === 'number' ? failure.code : failure === null ? 0 : -1, out, error });
    });
  });
}
