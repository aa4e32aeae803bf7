/** What verifying and reading cost: `node dist/test/bench/integrity.js [records to verify] [rows to query]`. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { json } from 'node:stream/consumers';
import { createPostgresExporter, createTables } from '../../exporters/postgres/index.js';
import { MerkleTree } from '../../src/integrity/merkle.js';
import { verifyTrail } from '../../src/integrity/verify.js';
import { encodeLine, GENESIS_HASH } from '../../src/journal/chain.js';
import type { JournalledRecord } from '../../src/record.js';
import { exampleRecord } from '../../src/testing/records.js';
import { openFileTrail } from '../../src/trail/file-trail.js';
import { openPostgresTrail } from '../../src/trail/postgres-trail.js';
import { median } from '../support/median.js';
import { query, startPostgres, type TestPostgres } from '../support/postgres.js';

/** A trail to verify: then this is the process of its own that does. */
const PLACE = process.env['AUDIT_BENCH_PLACE'];
const [records = 300_000, rows = 10_000_000] = process.argv.slice(2).map(Number);
const ROUNDS = 5;
const STREAM = '019ab7c2-0000-7000-8000-000000000000';

async function main(): Promise<void> {
  sealing();
  const directory = mkdtempSync(path.join(tmpdir(), 'otel-audit-bench-'));
  const postgres = await startPostgres();
  try {
    await fill(directory, postgres.url);
    const places = { files: directory, Postgres: postgres.url };
    const rates: Record<string, number[]> = { files: [], Postgres: [] };
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [name, place] of Object.entries(places)) rates[name]?.push(await inItsOwnProcess(name, place));
    }
    for (const [name, some] of Object.entries(rates)) console.log(`verify ${name}: median ${median(some)} records a CPU second`);
    if (rows > 0) await querying(postgres);
  } finally {
    await postgres.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What a checkpoint's tree costs the service a record. */
function sealing(): void {
  const tree = new MerkleTree();
  const started = process.cpuUsage();
  for (let n = 0; n < 200_000; n += 1) tree.append(GENESIS_HASH);
  const { user, system } = process.cpuUsage(started);
  console.log(`merkle tree: ${((user + system) / 200_000).toFixed(1)} µs of CPU a record`);
}

async function fill(directory: string, url: string): Promise<void> {
  mkdirSync(path.join(directory, STREAM));
  const out = createWriteStream(path.join(directory, STREAM, '00000001.jsonl'));
  await createTables(url);
  const exporter = createPostgresExporter({ url });
  let prevHash = GENESIS_HASH;
  let bytes = 0;
  for (let seq = 1; seq <= records; ) {
    const batch: JournalledRecord[] = [];
    for (; batch.length < 1000 && seq <= records; seq += 1) {
      const { line, hash } = encodeLine(exampleRecord(seq), { stream: STREAM, epoch: 1, seq, prevHash });
      prevHash = hash;
      bytes += line.length;
      batch.push(JSON.parse(line) as JournalledRecord);
      if (!out.write(`${line}\n`)) await once(out, 'drain');
    }
    await exporter.export(batch, AbortSignal.timeout(60_000));
  }
  await exporter.shutdown();
  await once(out.end(), 'finish');
  console.log(`${records} records of ${Math.round(bytes / records)} bytes`);
}

/** As a person verifies: what is compiled and collected counts. */
async function inItsOwnProcess(name: string, place: string): Promise<number> {
  const child = spawn(process.execPath, [__filename], {
    env: { ...process.env, AUDIT_BENCH_PLACE: place },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { cpuRate, rate, findings, peakMb } = (await json(child.stdout)) as Awaited<ReturnType<typeof verified>>;
  console.log(`verify ${name}: ${cpuRate} records a CPU second, ${rate} a second, ${findings} findings, peak ${peakMb} MB`);
  return cpuRate;
}

async function verified(place: string) {
  const trail = place.startsWith('postgres') ? await openPostgresTrail({ url: place }) : openFileTrail(place);
  const started = performance.now();
  const cpu = process.cpuUsage();
  const { findings, records: checked } = await verifyTrail({ trail, nowMs: Date.now() });
  const { user, system } = process.cpuUsage(cpu);
  await trail.close();
  return {
    cpuRate: Math.round(checked / ((user + system) / 1e6)),
    rate: Math.round(checked / ((performance.now() - started) / 1000)),
    findings: findings.length,
    peakMb: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

async function querying({ url, version }: TestPostgres): Promise<void> {
  await query(url, "SELECT audit_create_partition(now() - months * interval '1 month') FROM generate_series(1, 12) AS months");
  const started = performance.now();
  // One actor in twenty rows is the same: the worst one. The others are ten thousand.
  await query(
    url,
    `INSERT INTO audit_logs (id, schema_version, kind, occurred_at, observed_at, action, outcome, actor_id, actor_type, actor_verified, actor,
       tenant_id, target_type, target_id, request_id, method, path, status_code, duration_ms, service_name, stream, epoch, seq, prev_hash, hash)
     SELECT gen_random_uuid(), 1, 'http', at, at, 'order.created', 'success', CASE WHEN n % 20 = 0 THEN 'busy' ELSE 'user-' || n % 10007 END, 'user', true, '{}',
       'tenant-' || n % 101, 'order', 'o-' || n % 100003, 'r-' || n, 'POST', '/api/orders', 201, 12.5, 'orders', 's-' || n % 97, 1, n, repeat('0', 64), repeat('1', 64)
     FROM (SELECT n, now() - n * (interval '360 days' / ${rows}) AS at FROM generate_series(1, ${rows}) AS n) AS numbers`,
  );
  await query(url, 'VACUUM ANALYZE audit_logs');
  console.log(`${rows} rows more in PostgreSQL ${version}, in ${Math.round((performance.now() - started) / 1000)} s`);
  const day = (daysAgo: number): string => new Date(Date.now() - daysAgo * 86_400_000).toISOString();
  const trail = await openPostgresTrail({ url });
  for (const actor of ['user-4711', 'busy']) {
    const times: number[] = [];
    let found = 0;
    for (let n = 0; n < 101; n += 1) {
      const daysAgo = 2 + ((n * 37) % 350);
      const before = performance.now();
      found = 0;
      for await (const _ of trail.search({ actor, since: day(daysAgo), until: day(daysAgo - 1) }, { limit: 100 })) found += 1;
      times.push(performance.now() - before);
    }
    times.sort((a, b) => a - b);
    console.log(
      `query ${actor} on a day: median ${times[50]?.toFixed(1)} ms, worst of 101 ${times[100]?.toFixed(1)} ms, last gave ${found}`,
    );
  }
  await trail.close();
}

if (PLACE === undefined) void main();
else void verified(PLACE).then((result) => console.log(JSON.stringify(result)));
