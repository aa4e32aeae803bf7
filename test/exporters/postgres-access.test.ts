/** Who may do what with the Postgres trail once `otel-audit migrate --roles` has been run, and how `doctor` tells it. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createPostgresExporter, createTables, migrationSql } from '../../exporters/postgres/index.js';
import { probePostgres } from '../../exporters/postgres/probe.js';
import type { Acknowledgement } from '../../src/exporter.js';
import type { JournalledRecord } from '../../src/record.js';
import { chained, exampleRecord, exampleRecords } from '../../src/testing/records.js';
import { emptySchema, newRole, readTrail } from '../support/audit-schema.js';
import { query, startPostgres, type TestPostgres } from '../support/postgres.js';

let server: TestPostgres;
before(async () => {
  server = await startPostgres();
});
after(() => server?.stop());

const CHANGES = [
  "UPDATE audit_logs SET outcome = 'x'",
  'DELETE FROM audit_logs',
  'TRUNCATE audit_logs',
  'DROP TABLE audit_logs',
  'ALTER TABLE audit_logs DISABLE TRIGGER ALL',
  'ALTER TABLE audit_logs DISABLE ROW LEVEL SECURITY',
  'SELECT audit_create_partition(now())',
  "SELECT audit_partition_by('day')",
  "UPDATE audit_settings SET value = '0 days'",
  'INSERT INTO audit_readers VALUES (current_user, NULL)',
];

describe('postgres roles made by migrate', () => {
  it('let a writer add and be told of contradictions, and nothing else', async () => {
    const { owner, url } = await member('writer');
    const records = exampleRecords(3);
    assert.deepEqual(await offer(url, records), ['delivered', 'delivered', 'delivered']);
    assert.deepEqual(await readTrail(owner), records);
    for (const refused of [...CHANGES, 'SELECT id FROM audit_logs', "SELECT audit_prune('x', '{}', true)", 'SELECT * FROM audit_holds'])
      await assert.rejects(query(url, refused), { code: '42501' }, refused);
  });

  it('let a reader see the tenants it is given, and nothing else', async () => {
    const { owner, url, role } = await member('reader');
    const records = chained(
      ['acme', 'acme', 'other', undefined].map((id, n) => exampleRecord(n, { tenant: id === undefined ? {} : { id } })),
    );
    await offer(owner, records);
    assert.deepEqual(await readTrail(url), []);
    await query(owner, `INSERT INTO audit_readers VALUES ('${role}', 'acme')`);
    assert.deepEqual(await readTrail(url), records.slice(0, 2));
    await query(owner, `INSERT INTO audit_readers VALUES ('${role}', NULL)`);
    assert.deepEqual(await readTrail(url), records);
    const narrowed = url.replace('-c%20search_path', '-c%20audit.tenant=other%20-c%20search_path');
    assert.deepEqual(await readTrail(narrowed), records.slice(2, 3));
    const [partition] = await query(owner, 'SELECT audit_partition_of(now())::text AS name');
    for (const refused of [...CHANGES, `SELECT * FROM ${partition?.name}`, 'INSERT INTO audit_logs SELECT * FROM audit_logs'])
      await assert.rejects(query(url, refused), { code: '42501' }, refused);
  });

  it('let the retention role read everything, and add or change nothing', async () => {
    const { owner, url } = await member('retention');
    const records = exampleRecords(2);
    await offer(owner, records);
    assert.deepEqual(await readTrail(url), records);
    for (const refused of [...CHANGES, 'INSERT INTO audit_logs SELECT * FROM audit_logs', 'INSERT INTO audit_removals DEFAULT VALUES'])
      await assert.rejects(query(url, refused), { code: '42501' }, refused);
  });

  it('can be made by hand, more than once, under another prefix', async () => {
    const owner = await emptySchema(server.url);
    const script = migrationSql({ partitions: 'day', rolePrefix: 'shop_audit' });
    await query(owner, script);
    await query(owner, script);
    const roles = await query(owner, "SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname LIKE 'shop\\_audit\\_%' ORDER BY 1");
    assert.deepEqual(
      roles,
      ['reader', 'retention', 'writer'].map((name) => ({ rolname: `shop_audit_${name}`, rolcanlogin: false })),
    );
    assert.throws(() => migrationSql({ rolePrefix: 'x; DROP' }), /lower-case letters/);
  });
});

describe('postgres contradictions', () => {
  it('are rejected, with the record that was stored first left as it is', async () => {
    const { owner, url } = await member('writer');
    const records = exampleRecords(3);
    await offer(url, records);
    const forged = chained([{ ...exampleRecord(), ...asRecord(records[1]), actor: { id: 'nobody', type: 'user', verified: true } }]);
    const answers = await answersOf(url, [...records.slice(0, 1), ...forged, ...records.slice(2), ...exampleRecords(1)]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      ['delivered', 'rejected', 'delivered', 'delivered'],
    );
    assert.match(JSON.stringify(answers[1]), /another record is stored under this id/);
    assert.equal((await readTrail(owner)).filter(({ actor }) => actor.id === 'nobody').length, 0);
  });

  it('are found within one batch too', async () => {
    const { url } = await member('writer');
    const [record] = exampleRecords(1);
    const twin = chained([{ ...exampleRecord(), ...asRecord(record), outcome: 'failure' }]);
    assert.deepEqual(await offer(url, [...(record ? [record] : []), ...twin]), ['delivered', 'rejected']);
  });

  it('go unnoticed by a role that may not ask, which still delivers', async () => {
    const owner = await emptySchema(server.url);
    await createTables(owner);
    const { role, url } = await newRole(owner);
    await query(owner, `GRANT INSERT ON audit_logs TO ${role}`);
    const records = exampleRecords(2);
    assert.deepEqual(await offer(url, records), ['delivered', 'delivered']);
    assert.deepEqual(await offer(url, records), ['delivered', 'delivered']);
  });
});

describe('postgres doctor', () => {
  it('says of each role what holds against whoever has it', async () => {
    const owner = await emptySchema(server.url);
    assert.match(await findings(owner), /audit_logs does not exist yet/);
    await createTables(owner, { rolePrefix: 'audit' });
    assert.match(await findings(owner), /a superuser: nothing in the database stops/);
    const writer = await findings((await memberOf(owner, 'writer')).url);
    for (const finding of [
      /in clear text/,
      /may insert/,
      /may make partitions; the last is audit_logs_\d{4}_\d\d/,
      /is told when a record/,
    ])
      assert.match(writer, finding);
    for (const finding of [
      /may not read/,
      /the append-only triggers stand, on the table, its partitions and what was signed, held and removed/,
      /append-only by privilege/,
    ])
      assert.match(writer, finding);
    const retention = await findings((await memberOf(owner, 'retention')).url);
    for (const finding of [
      /may not insert/,
      /may not make partitions: after audit_logs_/,
      /may read what row level security lets it/,
      /may remove rows/,
    ])
      assert.match(retention, finding);
  });

  it('says of a role what it may become, and what it has on a partition alone', async () => {
    const owner = await emptySchema(server.url);
    await createTables(owner, { rolePrefix: 'audit' });
    const keeper = await newRole(owner);
    const { role, url } = await memberOf(owner, 'writer');
    const [part] = await query(owner, 'SELECT audit_partition_of(now())::text AS name');
    await query(owner, `GRANT UPDATE (outcome) ON ${part?.['name']} TO ${keeper.role}; ALTER ROLE ${role} NOINHERIT`);
    assert.match(await findings(url), /append-only by privilege/);
    await query(owner, `GRANT ${keeper.role} TO ${role}`);
    assert.match(await findings(url), /has UPDATE, DELETE or TRUNCATE on audit_logs_\d{4}_\d\d: only the triggers/);
    await query(owner, `ALTER TABLE audit_logs OWNER TO ${keeper.role}`);
    assert.match(await findings(url), /may become its owner/);
    // An owner is not restricted by row level security.
    assert.match(await findings(keeper.url), /may read every row/);
    assert.match(await findings(owner), /may read every row/);
  });

  it('does not take a trigger for one that stands when it does nothing', async () => {
    const owner = await emptySchema(server.url);
    await createTables(owner);
    const [part] = await query(owner, 'SELECT audit_partition_of(now())::text AS name');
    await query(owner, `ALTER TABLE ${part?.['name']} ENABLE REPLICA TRIGGER audit_append_only_truncate`);
    assert.match(await findings(owner), /missing or disabled on audit_logs_\d{4}_\d\d: rows there/);
    await query(owner, `ALTER TABLE ${part?.['name']} ENABLE ALWAYS TRIGGER audit_append_only_truncate`);
    assert.match(await findings(owner), /the append-only triggers stand/);
    await query(
      owner,
      `ALTER TABLE audit_removals DISABLE TRIGGER audit_append_only;
       DROP TRIGGER audit_append_only ON audit_checkpoints;
       CREATE TRIGGER audit_append_only BEFORE UPDATE OF seq OR DELETE ON audit_checkpoints FOR EACH ROW EXECUTE FUNCTION audit_refuse_change()`,
    );
    assert.match(await findings(owner), /missing or disabled on audit_checkpoints, audit_removals: rows there/);
    await query(
      owner,
      `CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
       DROP TRIGGER audit_append_only_truncate ON audit_logs;
       CREATE TRIGGER audit_append_only_truncate BEFORE TRUNCATE ON audit_logs FOR EACH STATEMENT EXECUTE FUNCTION nothing()`,
    );
    assert.match(await findings(owner), /an append-only trigger is missing or disabled: rows can be altered/);
  });

  it('names who may switch the triggers off, from PostgreSQL 15 on', async () => {
    const { owner, role, url } = await member('writer');
    const [{ is15 } = {}] = await query(owner, "SELECT current_setting('server_version_num')::int >= 150000 AS is15");
    await query(owner, `GRANT DELETE ON audit_logs TO ${role}`);
    if (is15 === true) await query(owner, `GRANT SET ON PARAMETER session_replication_role TO ${role}`);
    assert.match(await findings(url), is15 === true ? /may switch triggers off .*: rows can be altered/ : /only the triggers keep rows/);
  });

  it('names a partition without its triggers, and tables of an older version', async () => {
    const owner = await emptySchema(server.url);
    await createTables(owner);
    await query(owner, 'CREATE TABLE by_hand (LIKE audit_logs INCLUDING ALL)');
    await query(owner, "ALTER TABLE audit_logs ATTACH PARTITION by_hand FOR VALUES FROM ('2001-01-01') TO ('2001-02-01')");
    await query(owner, 'DELETE FROM audit_migrations WHERE version > 1');
    assert.match(await findings(owner), /missing or disabled on by_hand: rows there can be altered/);
    assert.match(await findings(owner), /the tables are of version 1, not \d+: run `otel-audit migrate`/);
  });
});

interface Member {
  /** The URL of the tables' owner. */
  readonly owner: string;
  /** Of a role that is a member of the one asked for. */
  readonly url: string;
  readonly role: string;
}

async function member(of: 'writer' | 'reader' | 'retention'): Promise<Member> {
  const owner = await emptySchema(server.url);
  await createTables(owner, { rolePrefix: 'audit' });
  return memberOf(owner, of);
}

async function memberOf(owner: string, of: string): Promise<Member> {
  const { role, url } = await newRole(owner);
  await query(owner, `GRANT audit_${of} TO ${role}`);
  return { owner, url, role };
}

async function offer(url: string, records: readonly JournalledRecord[]): Promise<readonly string[]> {
  return (await answersOf(url, records)).map(({ status }) => status);
}

async function answersOf(url: string, records: readonly JournalledRecord[]): Promise<readonly Acknowledgement[]> {
  const exporter = createPostgresExporter({ url });
  const answers = await exporter.export(records, AbortSignal.timeout(60_000));
  await exporter.shutdown();
  return answers;
}

async function findings(url: string): Promise<string> {
  return (await probePostgres({ url })).findings.join('\n');
}

/** Without its place in the chain. */
function asRecord(record: JournalledRecord | undefined): object {
  const { integrity: _, ...members } = record ?? {};
  return members;
}
