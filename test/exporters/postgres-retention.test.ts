/** How records leave the Postgres trail: past their period, not under a hold, with a ledger that the chains can be followed by. */

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Client } from 'pg';
import {
  archive,
  createPostgresExporter,
  createTables,
  listHolds,
  type PruneOptions,
  placeHold,
  prune,
  releaseHold,
  restore,
} from '../../exporters/postgres/index.js';
import { verifyLine } from '../../src/journal/chain.js';
import type { AuditRecord, JournalledRecord } from '../../src/record.js';
import { chained, exampleRecord } from '../../src/testing/records.js';
import { emptySchema, newRole, readTrail } from '../support/audit-schema.js';
import { query, startPostgres, type TestPostgres } from '../support/postgres.js';

const DAY_MS = 86_400_000;

let server: TestPostgres;
before(async () => {
  server = await startPostgres();
});
after(() => server?.stop());

describe('postgres prune', () => {
  it('says what it would remove, and removes nothing, until it is told to', async () => {
    const { url, records } = await trail([400, 390, 10, 0]);
    const planned = await prune({ url }, kept('100 days'));
    assert.deepEqual(sum(planned), { total: 2, expired: 2, held: 0, removed: 2 });
    assert.deepEqual(await readTrail(url), records);
    assert.deepEqual(sum(await prune({ url }, kept('100 days', { apply: true }))), sum(planned));
    assert.deepEqual(await readTrail(url), records.slice(2));
    assert.deepEqual(await prune({ url }, kept('100 days', { apply: true })), []);
  });

  it('drops a partition of which nothing is kept', async () => {
    const { url } = await trail([300, 10]);
    const [gone] = await prune({ url }, kept('200 days', { apply: true }));
    const [found] = await query(url, 'SELECT to_regclass($1) AS found', [gone?.partition]);
    assert.equal(found?.found, null);
  });

  it('keeps what a tenant or a level is kept longer for, and what a hold covers, in the same partition', async () => {
    const bare = { request: { id: 'r', method: 'GET' }, response: { status: 200 } };
    const { url, records } = await trail(
      [300, 300, 300, 300, 300],
      (n) =>
        [
          { tenant: { id: 'acme' } },
          { tenant: { id: 'other' } },
          { ...bare, tenant: { id: 'other' } },
          { ...bare, tenant: { id: 'acme' } },
          { tenant: {}, actor: { id: 'held', type: 'user', verified: true } },
        ][n] ?? {},
    );
    await placeHold({ url }, 'case 7', { actorId: 'held' });
    const keep = { default: '100 days', tenants: { acme: '7 years' }, levels: { metadata: '400 days' } };
    assert.deepEqual(sum(await prune({ url }, { keep, apply: true })), { total: 5, expired: 2, held: 1, removed: 1 });
    assert.deepEqual(
      await readTrail(url),
      records.filter((_, n) => n !== 1),
    );
    for (const change of ['TRUNCATE #', "UPDATE # SET outcome = 'x'", 'DELETE FROM #'])
      await assert.rejects(query(url, change.replace('#', await partitionOf(url, records[0]))), /is append-only/);
  });

  it('keeps a ledger from which every gap of a chain can be explained', async () => {
    const { url, records } = await trail([300, 300, 300, 300, 300, 300], (n) => ({
      tenant: { id: n === 2 || n === 3 ? 'acme' : 'other' },
    }));
    await prune({ url }, { keep: { default: '100 days', tenants: { acme: '7 years' } }, apply: true });
    const ranges = await query(url, 'SELECT first_seq::int, last_seq::int, prev_hash, hash FROM audit_removed_ranges ORDER BY 1');
    const [first, second, third, , fifth, last] = records.map(({ integrity }) => integrity);
    assert.deepEqual(ranges, [
      { first_seq: 1, last_seq: 2, prev_hash: first?.prevHash, hash: second?.hash },
      { first_seq: 5, last_seq: 6, prev_hash: fifth?.prevHash, hash: last?.hash },
    ]);
    assert.equal(third?.prevHash, ranges[0]?.hash);
    const [removal] = await query(
      url,
      'SELECT removed_by, removed_rows::int AS removed, kept_rows::int AS kept, occurred_from FROM audit_removals',
    );
    assert.deepEqual(removal, { removed_by: 'postgres', removed: 4, kept: 2, occurred_from: new Date(records[0]?.time ?? '') });
    await assert.rejects(query(url, 'DELETE FROM audit_removed_ranges'), /append-only/);
  });

  it('refuses a period shorter than the owner allows, of tenants and levels too', async () => {
    const { url, records } = await trail([20, 0]);
    for (const keep of [
      { default: '10 days' },
      { default: '400 days', tenants: { acme: '1 day' } },
      { default: '400 days', levels: { full: '0 days' } },
      // Longer than 30 days as intervals compare, and ends in the future.
      { default: '-10 years 3640 days' },
    ])
      await assert.rejects(prune({ url }, { keep, apply: true }), /every period must be at least 30 days/);
    assert.deepEqual(await readTrail(url), records);
    await query(url, "UPDATE audit_settings SET value = '5 days' WHERE name = 'minimum_keep'");
    assert.equal(sum(await prune({ url }, kept('10 days', { apply: true }))).removed, 1);
  });

  it('may be done by the retention role, which can remove rows in no other way', async () => {
    const { url, records } = await trail([300, 0]);
    await createTables(url, { rolePrefix: 'audit' });
    const { role, url: retention } = await newRole(url);
    await query(url, `GRANT audit_retention TO ${role}`);
    const partition = await partitionOf(url, records[0]);
    for (const refused of ['DELETE FROM audit_logs', 'TRUNCATE audit_logs', `DROP TABLE ${partition}`, `TRUNCATE ${partition}`])
      await assert.rejects(query(retention, refused), { code: '42501' });
    assert.equal(await placeHold({ url: retention }, 'wait', {}), 1);
    assert.equal(sum(await prune({ url: retention }, kept('100 days', { apply: true }))).removed, 0);
    await releaseHold({ url: retention }, 1, 'done');
    assert.equal(sum(await prune({ url: retention }, kept('100 days', { apply: true }))).removed, 1);
    const [removal] = await query(url, 'SELECT removed_by FROM audit_removals');
    assert.equal(removal?.removed_by, role);
  });

  it('gives up when somebody holds the table, and loses nothing', async (t) => {
    const { url, records } = await trail([300, 0]);
    const reader = new Client({ connectionString: url });
    await reader.connect();
    t.after(() => reader.end());
    await reader.query('BEGIN; SELECT count(*) FROM audit_logs');
    await assert.rejects(prune({ url }, kept('100 days', { apply: true })), /not \(all\) pruned: somebody held a lock for too long/);
    assert.deepEqual(await readTrail(url), records);
    assert.deepEqual(await query(url, 'SELECT * FROM audit_removals'), []);
  });
});

describe('postgres holds', () => {
  it('are in force until they are released, for the records that all their conditions fit', async () => {
    const { url, records } = await trail([300, 250, 200], (n) => ({ tenant: { id: 'acme' }, target: { type: 'order', id: `o-${n}` } }));
    const access = { url };
    const other = await placeHold(access, 'another tenant', { tenantId: 'other', targetType: 'order' });
    const order = await placeHold(access, 'one order', { tenantId: 'acme', targetType: 'order', targetId: 'o-0' });
    await placeHold(access, 'a while', { from: records[1]?.time, to: new Date(Date.parse(records[1]?.time ?? '') + 1).toISOString() });
    assert.equal(sum(await prune(access, kept('100 days', { apply: true }))).removed, 1);
    assert.deepEqual(await readTrail(url), records.slice(0, 2));
    await releaseHold(access, order, 'settled');
    assert.equal(sum(await prune(access, kept('100 days', { apply: true }))).removed, 1);
    assert.deepEqual(await readTrail(url), records.slice(1, 2));
    const holds = await listHolds(access);
    assert.deepEqual(
      holds.map(({ id, reason, released }) => [id, reason, released?.reason]),
      [
        [other, 'another tenant', undefined],
        [order, 'one order', 'settled'],
        [3, 'a while', undefined],
      ],
    );
    await assert.rejects(releaseHold(access, order, 'again'), /none of that number/);
    await assert.rejects(query(url, 'DELETE FROM audit_holds'), /append-only/);
    await assert.rejects(query(url, "UPDATE audit_hold_releases SET reason = 'x'"), /append-only/);
  });
});

describe('postgres archive', () => {
  it('holds every record of the partitions that have ended, as it was hashed, and says which runs of which chains', async (t) => {
    const { url, records } = await trail([200, 199, 150, 0]);
    const directory = scratch(t);
    const files = await archive({ url }, { directory, before: new Date() });
    const lines = files.flatMap(({ manifest: { file } }) =>
      gunzipSync(readFileSync(join(directory, file)))
        .toString()
        .trimEnd()
        .split('\n'),
    );
    assert.deepEqual(
      lines.map((line) => verifyLine(line)),
      records.slice(0, 3).map((record) => ({ record })),
    );
    const runs = files.flatMap(({ manifest }) => manifest.runs);
    assert.deepEqual([runs[0]?.firstSeq, runs.at(-1)?.lastSeq, runs.at(-1)?.hash], [1, 3, records[2]?.integrity.hash]);
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.endsWith('.partial')),
      [],
    );
  });

  it('names records that were altered', async (t) => {
    const { url, records } = await trail([200, 200]);
    const partition = await partitionOf(url, records[0]);
    await query(url, `SET session_replication_role = replica; UPDATE ${partition} SET actor_id = 'nobody' WHERE seq = 2`);
    const [file] = await archive({ url }, { directory: scratch(t), before: new Date() });
    assert.deepEqual(file?.manifest.altered, [records[1]?.id]);
  });

  it('can be restored after a prune, and again, and elsewhere', async (t) => {
    const { url, records } = await trail([900, 200, 0], undefined, { openWindow: true });
    const directory = scratch(t);
    await archive({ url }, { directory, before: new Date() });
    await prune({ url }, kept('100 days', { apply: true }));
    assert.equal((await readTrail(url)).length, 1);
    for (let time = 0; time < 2; time += 1) {
      const restored = await restore({ url }, directory);
      assert.deepEqual(
        restored.map((one) => [one.records, one.rejected]),
        [
          [1, {}],
          [1, {}],
        ],
      );
      assert.deepEqual(await readTrail(url), records);
    }
    const elsewhere = await emptySchema(server.url);
    await createTables(elsewhere, { partitions: 'day' });
    await restore({ url: elsewhere }, directory);
    assert.deepEqual(await readTrail(elsewhere), records.slice(0, 2));
  });

  it('is not restored when a file is not the one of its manifest', async (t) => {
    const { url } = await trail([200]);
    const directory = scratch(t);
    const [file] = await archive({ url }, { directory, before: new Date() });
    const path = join(directory, file?.manifest.file ?? '');
    writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from('\n')]));
    await assert.rejects(restore({ url }, directory), /is not the file its manifest speaks of/);
    for (const manifest of ['{', '{}', JSON.stringify({ ...file?.manifest, file: '../records.jsonl.gz' })]) {
      writeFileSync(path.replace('.jsonl.gz', '.manifest.json'), manifest);
      await assert.rejects(restore({ url }, directory), /is not a manifest that this version wrote/);
    }
    await assert.rejects(restore({ url }, join(directory, 'none')), /not \(all\) restored: a file or directory is not there \(ENOENT\)/);
    await assert.rejects(restore({ url }, scratch(t)), /holds no \*\.manifest\.json/);
  });
});

interface Trail {
  readonly url: string;
  readonly records: readonly JournalledRecord[];
}

/** One stream with a record of each age, in order. */
async function trail(
  ages: readonly number[],
  overrides: (n: number) => Partial<AuditRecord> = () => ({}),
  { openWindow = false } = {},
): Promise<Trail> {
  const url = await emptySchema(server.url);
  await createTables(url);
  const now = Date.now();
  const records = chained(ages.map((age, n) => exampleRecord(n, { ...overrides(n), time: new Date(now - age * DAY_MS).toISOString() })));
  if (openWindow) for (const { time } of records) await query(url, 'SELECT audit_create_partition($1)', [time]);
  const exporter = createPostgresExporter({ url });
  const answers = await exporter.export(records, AbortSignal.timeout(60_000));
  await exporter.shutdown();
  assert.ok(answers.every(({ status }) => status === 'delivered'));
  return { url, records };
}

function kept(period: string, { apply = false } = {}): PruneOptions {
  return { keep: { default: period }, apply };
}

type Counts = Readonly<Record<'total' | 'expired' | 'held' | 'removed', number>>;

function sum(partitions: readonly Counts[]): Counts {
  const total = (name: keyof Counts): number => partitions.reduce((before, one) => before + one[name], 0);
  return { total: total('total'), expired: total('expired'), held: total('held'), removed: total('removed') };
}

async function partitionOf(url: string, record: JournalledRecord | undefined): Promise<string> {
  const [row] = await query(url, 'SELECT audit_partition_of($1)::text AS name', [record?.time]);
  return String(row?.name);
}

function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'otel-audit-archive-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}
