/** Sixteen writers at once, while partitions come and go, the tables are migrated, and the connections are cut. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createPostgresExporter, createTables, prune } from '../../exporters/postgres/index.js';
import type { Acknowledgement, AuditExporter } from '../../src/exporter.js';
import type { JournalledRecord } from '../../src/record.js';
import { chained, exampleRecord } from '../../src/testing/records.js';
import { emptySchema, MIGRATION_FILES, newRole, readTrail, tablesOfOld } from '../support/audit-schema.js';
import { query, startPostgres, type TestPostgres } from '../support/postgres.js';

const DAY_MS = 86_400_000;
const WRITERS = 16;
const BATCHES = Number(process.env.AUDIT_TEST_BATCHES ?? 12);
const BATCH = 40;

let server: TestPostgres;
before(async () => {
  server = await startPostgres();
});
after(() => server?.stop());

describe('postgres under load', () => {
  it('stores every record of sixteen writers once, whatever is done to the tables meanwhile', async () => {
    const owner = await emptySchema(server.url);
    await createTables(owner, { rolePrefix: 'audit' });
    const { role, url } = await newRole(owner);
    await query(owner, `GRANT audit_writer TO ${role}`);
    await storeAll(createPostgresExporter({ url: owner }), [old(300)]);

    let writing = true;
    const streams = Array.from({ length: WRITERS }, (_, writer) => stream(writer));
    const writers = Promise.all(streams.map((batches) => storeAll(createPostgresExporter({ url }), batches))).finally(() => {
      writing = false;
    });
    let rounds = 0;
    const disturbance = async (): Promise<void> => {
      for (; writing || rounds === 0; rounds += 1) {
        await createTables(owner, { rolePrefix: 'audit' });
        await query(owner, "SELECT audit_create_partition(now() + $1 * interval '1 month')", [6 + rounds]);
        await prune({ url: owner }, { keep: { default: '250 days' }, apply: true }).catch(onlyIfLocked);
        await query(owner, "SELECT audit_create_partition(now() - interval '300 days')");
        await query(owner, 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1 AND random() < 0.1', [role]);
      }
    };
    const [, offered] = await Promise.all([disturbance(), writers]);

    assert.ok(rounds > 0);
    assert.ok(offered.flat().every((status) => status === 'delivered'));
    const expected = streams.flat(2).map(({ integrity }) => integrity.hash);
    const stored = (await readTrail(owner)).map(({ integrity }) => integrity.hash);
    assert.deepEqual([...stored].sort(), [...expected].sort());
  });
});

describe('postgres migration under load', () => {
  it('upgrades tables of the first version, by three at once, while sixteen writers go on writing', async () => {
    const owner = await emptySchema(server.url);
    await tablesOfOld(owner, 1);
    const { role, url } = await newRole(owner);
    await query(owner, `GRANT INSERT ON audit_logs TO ${role}; SELECT audit_ensure_partitions()`);

    let upgraded = false;
    const expected: string[] = [];
    const exporters = Array.from({ length: WRITERS }, () => createPostgresExporter({ url }));
    const write = async (exporter: AuditExporter): Promise<void> => {
      const batch = chained(Array.from({ length: BATCH }, (_, n) => exampleRecord(n)));
      expected.push(...batch.map(({ integrity }) => integrity.hash));
      assert.ok((await offerAll(exporter, [batch])).every((status) => status === 'delivered'));
    };
    const writeOn = async (exporter: AuditExporter): Promise<void> => {
      while (!upgraded) await write(exporter);
      // Once more, on the connection that knew the old tables.
      await write(exporter);
      await exporter.shutdown();
    };
    await Promise.all(exporters.map(write));
    const upgrades = Promise.all([1, 2, 3].map(() => createTables(owner, { rolePrefix: 'audit' }))).finally(() => {
      upgraded = true;
    });
    const [results] = await Promise.all([upgrades, ...exporters.map(writeOn)]);
    const applied = results.flatMap((result) => result.applied);

    assert.deepEqual(
      applied,
      MIGRATION_FILES.slice(1).map((file) => Number(file.slice(0, 4))),
    );
    const stored = (await readTrail(owner)).map(({ integrity }) => integrity.hash);
    assert.deepEqual([...stored].sort(), expected.sort());
  });
});

/** As delivery does: what is to be tried again is offered again. */
async function offerAll(exporter: AuditExporter, batches: readonly (readonly JournalledRecord[])[]): Promise<readonly string[]> {
  const statuses: string[] = [];
  const end = AbortSignal.timeout(120_000);
  for (const batch of batches) {
    let open = batch;
    while (open.length > 0) {
      end.throwIfAborted();
      const answers: readonly Acknowledgement[] = await exporter.export(open, AbortSignal.timeout(10_000));
      statuses.push(...answers.filter(({ status }) => status !== 'retry').map(({ status }) => status));
      open = open.filter((_, index) => answers[index]?.status === 'retry');
    }
  }
  return statuses;
}

async function storeAll(exporter: AuditExporter, batches: readonly (readonly JournalledRecord[])[]): Promise<readonly string[]> {
  const statuses = await offerAll(exporter, batches);
  await exporter.shutdown();
  return statuses;
}

function stream(writer: number): readonly (readonly JournalledRecord[])[] {
  const records = chained(Array.from({ length: BATCHES * BATCH }, (_, n) => exampleRecord(writer + n * WRITERS)));
  return Array.from({ length: BATCHES }, (_, n) => records.slice(n * BATCH, (n + 1) * BATCH));
}

function old(days: number): readonly JournalledRecord[] {
  return chained([exampleRecord(0, { time: new Date(Date.now() - days * DAY_MS).toISOString() })]);
}

function onlyIfLocked(error: unknown): void {
  assert.match(String(error), /held a lock|rolled back/);
}
