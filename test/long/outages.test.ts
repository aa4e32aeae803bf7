import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  cutOften,
  type Disturbance,
  failOver,
  fillDisk,
  lockUntil,
  loseAnswers,
  type OutageProof,
  proveOutage,
  slowUntil,
  stopFor,
} from '../support/outage-proof.js';
import { query, startPostgres, type TestPostgres } from '../support/postgres.js';

describe('nothing is lost and nothing is twice', { timeout: 1_800_000 }, () => {
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.stop());
  const prove = async (t: { diagnostic(text: string): void }, disturb: (world: Disturbance) => Promise<void>): Promise<OutageProof> => {
    const proof = await proveOutage(postgres, disturb);
    t.diagnostic(`answered ${proof.answered}, stored ${proof.stored}`);
    return proof;
  };

  it('when the server is stopped for 60 s and started', async (t) => {
    await prove(t, (world) => stopFor(60, world));
  });

  it('when the server fails over to another port', async (t) => {
    await prove(t, failOver);
  });

  it('when connections are cut 100 times in the middle of batches', async (t) => {
    await prove(t, (world) => cutOften(100, world));
  });

  it('when the server commits and its answer is lost, 20 times', async (t) => {
    await prove(t, (world) => loseAnswers(20, world));
  });

  it('when the table is locked for longer than a statement may wait', async (t) => {
    const { warnings } = await prove(t, (world) => lockUntil(() => goOn(20, world), world));
    assert.match(warnings, /somebody held a lock for too long/);
  });

  it('when statements meet their timeout', async (t) => {
    const { warnings } = await prove(t, (world) => slowUntil(() => goOn(20, world), world));
    assert.match(warnings, /the statement took too long/);
  });

  it('when the database says for 2,000 requests that its disk is full', async (t) => {
    const { warnings } = await prove(t, (world) => fillDisk(2000, world));
    assert.match(warnings, /run out of a resource/);
  });

  const isRoot = process.getuid?.() === 0;
  it('when the disk of the database is really full', { skip: isRoot ? false : 'only root may make a small disk' }, async (t) => {
    const mount = mkdtempSync(join(tmpdir(), 'otel-audit-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=755', 'tmpfs', mount]);
    try {
      const { warnings } = await prove(t, (world) => reallyFill(mount, world));
      assert.match(warnings, /run out of a resource/);
    } finally {
      await query(postgres.url, 'ALTER DATABASE postgres RESET default_tablespace');
      await postgres.stopServer();
      execFileSync('umount', [mount]);
      rmSync(mount, { recursive: true });
    }
  });
});

async function goOn(seconds: number, { more }: Disturbance): Promise<void> {
  const enough = performance.now() + seconds * 1000;
  while (performance.now() < enough) await more(20);
}

/** The table moves to a disk of 16 MB, something else fills that, and goes away again. */
async function reallyFill(mount: string, { url, more, rowsGoOn }: Disturbance): Promise<void> {
  const place = join(mount, 'space');
  mkdirSync(place);
  chownSync(mount, 65534, 65534);
  chownSync(place, 65534, 65534);
  await query(url, `CREATE TABLESPACE small LOCATION '${place}'`);
  const partitions = await query(url, "SELECT inhrelid::regclass AS name FROM pg_inherits WHERE inhparent = 'audit_logs'::regclass");
  for (const { name } of partitions) await query(url, `ALTER TABLE ${String(name)} SET TABLESPACE small`);
  const ballast = join(mount, 'ballast');
  try {
    writeFileSync(ballast, Buffer.alloc(16 * 1024 * 1024));
  } catch {
    // It is full now, which is what this is for.
  }
  await more(3000);
  rmSync(ballast);
  await rowsGoOn();
}
