import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { v7 } from 'uuid';
import { createPostgresExporter, createTables, prune } from '../../exporters/postgres/index.js';
import type { FindingKind } from '../../src/integrity/findings.js';
import { ringOfKey } from '../../src/integrity/key-ring.js';
import { type Verification, type VerifyOptions, verifyTrail } from '../../src/integrity/verify.js';
import { encodeLine } from '../../src/journal/chain.js';
import type { JournalledRecord } from '../../src/record.js';
import { chained, exampleRecord } from '../../src/testing/records.js';
import { storedCopy } from '../../src/trail/checkpoint-file.js';
import { openPostgresTrail } from '../../src/trail/postgres-trail.js';
import { query, startPostgres, type TestPostgres } from '../support/postgres.js';
import { type SignedStream, signedStream, signingKey } from '../support/signed-trail.js';

const DAY_MS = 86_400_000;

describe('tampering with a trail in Postgres', () => {
  let postgres: TestPostgres;
  const databases: string[] = [];
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.stop());

  /** A database of its own with two streams: one that spans two months, and a later one whose checkpoints name the first. */
  async function trail(): Promise<Tampered> {
    const name = `t${databases.push('') + 1}_${v7().slice(-6)}`;
    await query(postgres.url, `CREATE DATABASE ${name}`);
    const url = new URL(postgres.url);
    url.pathname = `/${name}`;
    await createTables(url.href);
    // The middle of this month and of the last, whatever the day is.
    const thisMonth = new Date();
    const recently = Math.min(Date.now() - 3_600_000, Date.UTC(thisMonth.getUTCFullYear(), thisMonth.getUTCMonth(), 15));
    const lastMonth = Date.UTC(thisMonth.getUTCFullYear(), thisMonth.getUTCMonth() - 1, 15);
    const first = await signedStream({ partsAt: [lastMonth, lastMonth + DAY_MS, recently] });
    const second = await signedStream({ partsAt: [recently], siblings: [first.tip] });
    const exporter = createPostgresExporter({ url: url.href });
    const answers = await exporter.export([...first.records, ...second.records], AbortSignal.timeout(60_000));
    await exporter.shutdown();
    assert.ok(answers.every(({ status }) => status === 'delivered'));
    return { url: url.href, first, second };
  }

  interface Tampered {
    readonly url: string;
    readonly first: SignedStream;
    readonly second: SignedStream;
  }

  /** As the superuser who stops at nothing. */
  const tamper = (url: string, ...statements: readonly string[]): Promise<unknown> =>
    query(url, ['SET session_replication_role = replica', ...statements].join(';'));

  async function verify(url: string, options: Partial<VerifyOptions> = {}): Promise<Verification> {
    const opened = await openPostgresTrail({ url });
    try {
      return await verifyTrail({ trail: opened, keys: ringOfKey(signingKey()), graceMs: 0, nowMs: Date.now(), ...options });
    } finally {
      await opened.close();
    }
  }

  const kindsOf = ({ findings }: Verification): readonly FindingKind[] => [...new Set(findings.map(({ kind }) => kind))].sort();
  const rangesOf = ({ findings }: Verification, kind: FindingKind): readonly (readonly [number, number])[] =>
    findings.filter((finding) => finding.kind === kind).map(({ fromSeq, toSeq }) => [fromSeq, toSeq]);
  const place = (record: JournalledRecord | undefined): string =>
    `stream = '${record?.integrity.stream}' AND seq = ${record?.integrity.seq}`;

  it('finds nothing in what was recorded, and signs for all of it', async () => {
    const { url, first, second } = await trail();
    const verification = await verify(url, { copies: [...first.copies, ...second.copies].map(storedCopy) });
    assert.deepEqual(verification.findings, []);
    assert.deepEqual(verification.unproven, []);
    assert.equal(verification.signed, first.records.length + second.records.length);
    assert.equal(verification.checkpoints, first.copies.length + second.copies.length);
  });

  it('finds an edited record', async () => {
    const { url, first } = await trail();
    await tamper(url, `UPDATE audit_logs SET actor_id = 'somebody else' WHERE ${place(first.records[4])}`);
    const verification = await verify(url);
    assert.deepEqual(kindsOf(verification), ['modified']);
    assert.deepEqual(rangesOf(verification, 'modified'), [[5, 5]]);
    assert.deepEqual(verification.findings[0]?.ids, [first.records[4]?.id]);
  });

  it('finds an edited body, byte for byte', async () => {
    const { url, first } = await trail();
    await tamper(url, `UPDATE audit_logs SET request_body = replace(request_body::text, ' ', '')::json WHERE ${place(first.records[5])}`);
    assert.deepEqual(rangesOf(await verify(url), 'modified'), [[6, 6]]);
  });

  it('finds deleted records, as one range', async () => {
    const { url, first } = await trail();
    await tamper(url, `DELETE FROM audit_logs WHERE stream = '${first.stream}' AND seq BETWEEN 4 AND 6`);
    const verification = await verify(url);
    assert.deepEqual(kindsOf(verification), ['missing']);
    assert.deepEqual(rangesOf(verification, 'missing'), [[4, 6]]);
  });

  it('finds that the end of a stream was cut off', async () => {
    const { url, first } = await trail();
    const { length } = first.records;
    await tamper(url, `DELETE FROM audit_logs WHERE stream = '${first.stream}' AND seq > ${length - 4}`);
    const verification = await verify(url);
    assert.deepEqual(kindsOf(verification), ['missing']);
    // The other stream's checkpoints vouch for the last record of all.
    assert.deepEqual(rangesOf(verification, 'missing'), [[length - 3, length]]);
  });

  it('finds that the very last record is gone, which no later checkpoint commits', async () => {
    const { url, second } = await trail();
    const { length } = second.records;
    await tamper(url, `DELETE FROM audit_logs WHERE stream = '${second.stream}' AND seq = ${length}`);
    assert.deepEqual(rangesOf(await verify(url), 'missing'), [[length, length]]);
  });

  it('finds that a stream is gone, also with its own checkpoints', async () => {
    const { url, first } = await trail();
    await tamper(
      url,
      `DELETE FROM audit_logs WHERE stream = '${first.stream}'`,
      `DELETE FROM audit_checkpoints WHERE stream = '${first.stream}'`,
    );
    const verification = await verify(url);
    assert.deepEqual(rangesOf(verification, 'missing').at(-1), [1, first.records.length]);
    assert.match(String(verification.findings.at(-1)?.detail), /nor is anything of their stream/);
  });

  it('finds records that were put in each other places, by number or altogether', async () => {
    const { url, first, second } = await trail();
    const swap = (a: JournalledRecord | undefined, b: JournalledRecord | undefined, columns: readonly string[]): string =>
      `UPDATE audit_logs AS one SET ${columns.map((column) => `${column} = two.${column}`).join(', ')} FROM audit_logs AS two
       WHERE (one.id, two.id) IN (('${a?.id}', '${b?.id}'), ('${b?.id}', '${a?.id}'))`;
    await tamper(
      url,
      swap(first.records[4], first.records[5], ['seq']),
      swap(second.records[3], second.records[6], ['seq', 'prev_hash', 'hash']),
    );
    const verification = await verify(url);
    assert.deepEqual(rangesOf(verification, 'reordered'), [
      [5, 6],
      [4, 4],
      [7, 7],
    ]);
  });

  it('finds a record that was played again, under its own id or another', async () => {
    const { url, first } = await trail();
    const copy = (changes: string): string =>
      `CREATE TEMP TABLE copied AS SELECT * FROM audit_logs WHERE id = '${first.records[4]?.id}'; UPDATE copied SET ${changes};
       INSERT INTO audit_logs SELECT * FROM copied; DROP TABLE copied`;
    await tamper(url, copy(`id = '${v7()}'`), copy(`occurred_at = occurred_at + interval '1 second'`));
    const verification = await verify(url);
    assert.deepEqual(rangesOf(verification, 'replayed'), [
      [5, 5],
      [5, 5],
      [0, 0],
    ]);
    assert.equal(rangesOf(verification, 'modified').length, 0);
    assert.match(JSON.stringify(verification.findings), new RegExp(`the record ${first.records[4]?.id} is there 2 times`));
  });

  it('finds a forged record that claims a place that is taken', async () => {
    const { url, first } = await trail();
    const { integrity, ...record } = first.records[4] as JournalledRecord;
    const { hash, ...link } = integrity;
    const forged = { ...record, id: v7(), actor: { ...record.actor, id: 'a scapegoat' } };
    await insert(url, { ...forged, integrity: { ...link, hash: encodeLine(forged, link).hash } });
    assert.deepEqual(rangesOf(await verify(url), 'foreign'), [[5, 5]]);
  });

  it('finds a record that was rewritten and hashed again, alone or with all that follow it', async () => {
    const alone = await trail();
    await rewrite(alone.url, alone.first, 5, 5);
    assert.deepEqual(rangesOf(await verify(alone.url), 'modified'), [[5, 5]]);

    const chained = await trail();
    const { length } = chained.first.records;
    await rewrite(chained.url, chained.first, 5, length);
    const verification = await verify(chained.url);
    assert.equal(kindsOf(verification)[0], 'modified');
    assert.match(String(verification.findings.find(({ kind }) => kind === 'modified')?.detail), /hashed again: the checkpoint/);
    // From the first record behind the last one that a checkpoint still vouches for.
    assert.equal(rangesOf(verification, 'modified')[0]?.[0], 2);
  });

  it('finds that records were appended to a stream that had ended', async () => {
    const { url, first } = await trail();
    const last = first.records.at(-1) as JournalledRecord;
    const { integrity: _, ...record } = {
      ...(first.records[4] as JournalledRecord),
      id: v7(),
      actor: { id: 'a scapegoat', type: 'user', verified: true },
    };
    const link = { ...last.integrity, seq: last.integrity.seq + 1, prevHash: last.integrity.hash };
    await insert(url, { ...record, integrity: { ...link, hash: encodeLine(record, link).hash } });
    const verification = await verify(url);
    assert.deepEqual(rangesOf(verification, 'late'), [[link.seq, link.seq]]);
    assert.deepEqual(
      verification.unproven.filter(({ kind }) => kind === 'unsigned').map(({ fromSeq, toSeq }) => [fromSeq, toSeq]),
      [[link.seq, link.seq]],
    );
  });

  it('finds checkpoints that were exchanged, or given another content', async () => {
    const { url, first, second } = await trail();
    await tamper(
      url,
      `UPDATE audit_checkpoints AS one SET content = two.content FROM audit_checkpoints AS two
       WHERE one.stream = '${second.stream}' AND two.stream = '${first.stream}' AND one.seq = two.seq AND one.seq = 2`,
    );
    assert.deepEqual(kindsOf(await verify(url)), ['foreign']);

    const other = await trail();
    await tamper(
      other.url,
      `UPDATE audit_checkpoints SET content = jsonb_set(content, '{checkpoint,tips,0,sequence_number}', '3') WHERE seq = 2`,
    );
    const verification = await verify(other.url);
    assert.deepEqual(kindsOf(verification), ['modified']);
    assert.match(String(verification.findings[0]?.detail), /the signature of checkpoint 1 does not match it/);
  });

  it('finds a whole trail that was signed with another key', async () => {
    const { url } = await trail();
    const stranger = ringOfKey(signingKey('09'));
    const verification = await verify(url, { keys: { ...stranger, isComplete: true } });
    assert.deepEqual(kindsOf(verification), ['foreign']);
    assert.equal(verification.signed, 0);
  });

  it('finds that it is shown an older copy', async () => {
    const { url, first, second } = await trail();
    const copies = [...first.copies, ...second.copies].map(storedCopy);
    // As a back-up taken before the last parts: neither their records nor their checkpoints are in it.
    const cut = (table: string): string => `DELETE FROM ${table} WHERE stream = '${second.stream}' OR seq > 9`;
    await tamper(url, cut('audit_logs'), cut('audit_checkpoints'));
    assert.deepEqual(kindsOf(await verify(url)), []);
    const verification = await verify(url, { copies });
    assert.deepEqual(kindsOf(verification), ['missing', 'stale']);
    assert.ok(verification.findings.some(({ kind, stream }) => kind === 'stale' && stream === second.stream));
  });

  it('finds that a partition was dropped', async () => {
    const { url, first } = await trail();
    const month = first.records[0]?.time.slice(0, 7).replace('-', '_');
    const dropped = first.records.filter(({ time }) => time.slice(0, 7).replace('-', '_') === month);
    await query(url, `DROP TABLE audit_logs_${month}`);
    const verification = await verify(url);
    assert.deepEqual(kindsOf(verification), ['missing']);
    assert.match(JSON.stringify(verification.findings), /no partition holds 2 days from .* it was dropped/);
    assert.deepEqual(rangesOf(verification, 'missing').at(-1), [1, dropped.length]);
  });

  it('takes the word of the ledger of removals for what was pruned, and lists it as not provable', async () => {
    const { url, first } = await trail();
    const month = first.records[0]?.time.slice(0, 7).replace('-', '_');
    const dropped = first.records.filter(({ time }) => time.slice(0, 7).replace('-', '_') === month);
    const [begin, end] = [dropped[0], dropped.at(-1)];
    await query(
      url,
      `CREATE TABLE IF NOT EXISTS audit_removals (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, partition text NOT NULL, removed_rows bigint NOT NULL,
         kept_rows bigint NOT NULL, occurred_from timestamptz NOT NULL, occurred_to timestamptz NOT NULL, keep jsonb NOT NULL);
       CREATE TABLE IF NOT EXISTS audit_removed_ranges (removal_id bigint NOT NULL, stream text NOT NULL, epoch integer NOT NULL, first_seq bigint NOT NULL,
         last_seq bigint NOT NULL, prev_hash text NOT NULL, hash text NOT NULL);
       INSERT INTO audit_removals (partition, removed_rows, kept_rows, occurred_from, occurred_to, keep)
         VALUES ('audit_logs_${month}', ${dropped.length}, 0, '${begin?.time}', '${end?.time}', '{}');
       INSERT INTO audit_removed_ranges (removal_id, stream, epoch, first_seq, last_seq, prev_hash, hash)
         SELECT id, '${first.stream}', 1, 1, ${dropped.length}, '${begin?.integrity.prevHash}', '${end?.integrity.hash}' FROM audit_removals;
       DROP TABLE audit_logs_${month}`,
    );
    const verification = await verify(url);
    assert.deepEqual(verification.findings, []);
    assert.deepEqual(
      verification.unproven.map(({ kind, fromSeq, toSeq }) => [kind, fromSeq, toSeq]),
      [['pruned', 1, dropped.length]],
    );
  });

  it('lists as not provable what only the ledger of removals still knows of: all of a stream that nobody signed, or its end', async () => {
    const { url } = await trail();
    const daysAgo = (days: number, tenant: string) => {
      const time = new Date(Date.now() - days * DAY_MS).toISOString();
      return { time, observedTime: time, tenant: { id: tenant } };
    };
    const whole = chained([0, 1, 2].map((n) => exampleRecord(n, daysAgo(300, 'leaving'))));
    const half = chained(['staying', 'leaving', 'leaving'].map((tenant, n) => exampleRecord(n, daysAgo(300, tenant))));
    for (const record of [...whole, ...half]) await insert(url, record);
    await prune({ url }, { keep: { default: '400 days', tenants: { leaving: '200 days' } }, apply: true });
    const verification = await verify(url);
    assert.deepEqual(verification.findings, []);
    assert.deepEqual(
      verification.unproven
        .filter(({ kind }) => kind === 'pruned')
        .map(({ stream, fromSeq, toSeq }) => [stream, fromSeq, toSeq])
        .sort(),
      [
        [whole[0]?.integrity.stream, 1, 3],
        [half[0]?.integrity.stream, 2, 3],
      ].sort(),
    );
  });

  async function insert(url: string, record: JournalledRecord): Promise<void> {
    const exporter = createPostgresExporter({ url });
    const [answer] = await exporter.export([record], AbortSignal.timeout(20_000));
    await exporter.shutdown();
    assert.equal(answer?.status, 'delivered');
  }

  /** Another actor in record `from`, and new hashes from there to `to`. */
  async function rewrite(url: string, { records }: SignedStream, from: number, to: number): Promise<void> {
    let prevHash = records[from - 2]?.integrity.hash ?? '';
    for (const record of records.slice(from - 1, to)) {
      const { integrity, ...rest } = record.integrity.seq === from ? { ...record, actor: { ...record.actor, id: 'a scapegoat' } } : record;
      const { hash } = encodeLine(rest, { ...integrity, prevHash });
      await tamper(
        url,
        `UPDATE audit_logs SET actor_id = '${rest.actor.id}', prev_hash = '${prevHash}', hash = '${hash}' WHERE ${place(record)}`,
      );
      prevHash = hash;
    }
  }
});
