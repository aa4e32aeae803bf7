/** The Postgres exporter, migrations and verifying through a real PgBouncer in transaction mode, in clear and with TLS. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createPostgresExporter, createTables } from '../../exporters/postgres/index.js';
import { verifyTrail } from '../../src/integrity/verify.js';
import { exampleRecords } from '../../src/testing/records.js';
import { openPostgresTrail } from '../../src/trail/postgres-trail.js';
import { type PgBouncer, startPgBouncer } from '../support/pgbouncer.js';
import { query, startPostgres, type TestPostgres } from '../support/postgres.js';

const WRITERS = 4;
const RECORDS = 2000;
const BATCH = 1000;

for (const tls of [false, true]) {
  describe(`through PgBouncer in transaction mode, ${tls ? 'with TLS' : 'in clear'}`, () => {
    let server: TestPostgres;
    let bouncer: PgBouncer;
    before(async () => {
      server = await startPostgres();
      bouncer = await startPgBouncer(server.url, { tls }).catch(async (error: unknown) => {
        await server.stop();
        throw error;
      });
    });
    after(async () => {
      await bouncer?.stop();
      await server?.stop();
    });

    it('migrates, by several at once', async () => {
      await Promise.all(Array.from({ length: 3 }, () => createTables(bouncer.url)));
      const [found] = await query(server.url, "SELECT to_regclass('audit_logs') IS NOT NULL AS there");
      assert.equal(found?.there, true);
      // Sessions are shared: what a migration set for itself must have ended with it.
      const [left] = await query(server.url, 'SELECT count(*)::int AS locks FROM pg_locks WHERE locktype = $1', ['advisory']);
      assert.equal(left?.locks, 0);
    });

    it('stores what several writers offer, once each, and says so of every record', async () => {
      await Promise.all(
        Array.from({ length: WRITERS }, async () => {
          const exporter = createPostgresExporter({ url: bouncer.url });
          const records = exampleRecords(RECORDS);
          for (let start = 0; start < RECORDS; start += BATCH) {
            const batch = records.slice(start, start + BATCH);
            for (const _ of ['first', 'again']) {
              const answers = await exporter.export(batch, AbortSignal.timeout(60_000));
              assert.deepEqual([...new Set(answers.map((answer) => JSON.stringify(answer)))], ['{"status":"delivered"}']);
            }
          }
          await exporter.shutdown();
        }),
      );
      const [stored] = await query(server.url, 'SELECT count(*)::int AS records FROM audit_logs');
      assert.equal(stored?.records, WRITERS * RECORDS);
    });

    it('makes the partition that a record needs, and finds a contradiction', async () => {
      const exporter = createPostgresExporter({ url: bouncer.url });
      const time = new Date(Date.now() - 200 * 86_400_000).toISOString();
      const [record] = exampleRecords(1, { time });
      assert.ok(record !== undefined);
      const offer = async (action: string) =>
        (
          await exporter.export(
            [{ ...record, action, integrity: { ...record.integrity, hash: action.padEnd(64, '0') } }],
            AbortSignal.timeout(60_000),
          )
        )[0];
      assert.deepEqual(await offer('a'), { status: 'delivered' });
      assert.equal((await offer('b'))?.status, 'rejected');
      await exporter.shutdown();
      await query(server.url, `SET session_replication_role = replica; DELETE FROM audit_logs WHERE id = '${record.id}'`);
    });

    it('verifies', async () => {
      const trail = await openPostgresTrail({ url: bouncer.url });
      const { records, streams, findings } = await verifyTrail({ trail, nowMs: Date.now() });
      await trail.close();
      assert.deepEqual({ records, streams, findings }, { records: WRITERS * RECORDS, streams: WRITERS, findings: [] });
    });

    it('goes on when PgBouncer was away', async () => {
      const exporter = createPostgresExporter({ url: bouncer.url });
      const [first, second] = [exampleRecords(2), exampleRecords(2)];
      await exporter.export(first, AbortSignal.timeout(60_000));
      await bouncer.stop();
      const during = await exporter.export(second, AbortSignal.timeout(60_000));
      assert.ok(during.every(({ status }) => status === 'retry'));
      bouncer = await startPgBouncer(server.url, { tls, port: Number(new URL(bouncer.url).port) });
      const answers = await exporter.export(second, AbortSignal.timeout(60_000));
      await exporter.shutdown();
      assert.ok(
        answers.every(({ status }) => status === 'delivered'),
        JSON.stringify(answers),
      );
    });
  });
}
