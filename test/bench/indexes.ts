/** What each index of `audit_logs` costs a writer, and what its query takes with and without it: `node dist/test/bench/indexes.js [rows]`. */

import { Client } from 'pg';
import { createPostgresExporter, createTables } from '../../exporters/postgres/index.js';
import { exampleRecords } from '../../src/testing/records.js';
import { query, startPostgres } from '../support/postgres.js';

const rows = Number(process.argv[2] ?? 1_000_000);
const WRITTEN = 4000;
const ROUNDS = 3;

/** The query that each is there for; of the trail of a year. */
const QUERIES: Readonly<Record<string, string>> = {
  audit_logs_request_idx: "request_id = 'r-4711'",
  audit_logs_actor_idx: "actor_id = 'user-4711' AND occurred_at > now() - interval '30 days'",
  audit_logs_tenant_idx: "tenant_id = 'tenant-7' AND occurred_at > now() - interval '1 day'",
  audit_logs_action_idx: "action = 'action-7' AND occurred_at > now() - interval '1 day'",
  audit_logs_target_idx: "target_type = 'order' AND target_id = 'o-4711'",
  audit_logs_trace_idx: "trace_id = 'trace-4711'",
  audit_logs_time_idx: "occurred_at BETWEEN now() - interval '100 days' AND now() - interval '99.9 days'",
};

async function main(): Promise<void> {
  const server = await startPostgres();
  const client = new Client({ connectionString: server.url });
  try {
    await createTables(server.url);
    await fill(server.url);
    await client.connect();
    console.log(
      `PostgreSQL ${server.version}, ${rows} rows of a year; ${WRITTEN} rows written (${Math.round(await logged(server.url))} B of log each), median of ${ROUNDS}`,
    );
    for (const [index, where] of Object.entries(QUERIES)) await measure(client, server.url, index, where);
  } finally {
    await client.end();
    await server.stop();
  }
}

async function fill(url: string): Promise<void> {
  await query(url, "SELECT audit_create_partition(now() - months * interval '1 month') FROM generate_series(0, 12) AS months");
  await query(
    url,
    `INSERT INTO audit_logs (id, schema_version, kind, occurred_at, observed_at, action, outcome, actor_id, actor_type, actor_verified, actor, tenant_id,
       target_type, target_id, request_id, trace_id, method, path, status_code, duration_ms, service_name, stream, epoch, seq, prev_hash, hash)
     SELECT gen_random_uuid(), 1, 'http', at, at, 'action-' || n % 97, 'success', 'user-' || n % 10007, 'user', true, '{}', 'tenant-' || n % 101,
       'order', 'o-' || n % 100003, 'r-' || n, 'trace-' || n, 'POST', '/api/orders', 201, 12.5, 'orders', 's-' || n % 97, 1, n, repeat('0', 64), repeat('1', 64)
     FROM (SELECT n, now() - n * (interval '360 days' / ${rows}) AS at FROM generate_series(1, ${rows}) AS n) AS numbers`,
  );
  await query(url, 'VACUUM ANALYZE audit_logs');
}

/** The index is made again afterwards, so that the next one finds all of them. */
async function measure(client: Client, url: string, index: string, where: string): Promise<void> {
  const [size] = await query(
    url,
    `SELECT pg_size_pretty(sum(pg_relation_size(inhrelid))) AS size FROM pg_inherits WHERE inhparent = '${index}'::regclass`,
  );
  const found = await selectMs(client, where);
  const withIndex: number[] = [];
  const without: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) withIndex.push(await logged(url));
  const [definition] = (await client.query<{ text: string }>(`SELECT pg_get_indexdef('${index}'::regclass) AS text`)).rows;
  await client.query(`DROP INDEX ${index}`);
  const searched = await selectMs(client, where);
  for (let round = 0; round < ROUNDS; round += 1) without.push(await logged(url));
  await client.query(definition?.text.replace(' ON ONLY ', ' ON ') ?? '');
  const cost = Math.round(median(withIndex) - median(without));
  console.log(
    `${index.padEnd(24)} ${String(size?.size).padStart(7)}  +${cost} B of log a row  query ${found.toFixed(1)} ms, without it ${searched.toFixed(1)} ms`,
  );
}

async function selectMs(client: Client, where: string): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = performance.now();
    await client.query(`SELECT id, action, actor_id FROM audit_logs WHERE ${where} ORDER BY occurred_at DESC LIMIT 100`);
    times.push(performance.now() - start);
  }
  return median(times);
}

/** Bytes of the write-ahead log a row: unlike the time it takes, the same on a busy machine. */
async function logged(url: string): Promise<number> {
  const exporter = createPostgresExporter({ url });
  const records = exampleRecords(WRITTEN);
  await exporter.export(exampleRecords(1), AbortSignal.timeout(60_000));
  const [before] = await query(url, 'SELECT pg_current_wal_insert_lsn()::text AS at');
  for (let at = 0; at < WRITTEN; at += 1000) await exporter.export(records.slice(at, at + 1000), AbortSignal.timeout(60_000));
  const [written] = await query(url, 'SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), $1)::float8 AS bytes', [before?.at]);
  await exporter.shutdown();
  return Number(written?.bytes) / WRITTEN;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

void main();
