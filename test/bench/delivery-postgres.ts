/**
 * The delivery worker to Postgres against `psql \\copy` of the same rows: rows per second, in turns, medians of several rounds.
 * `AUDIT_BENCH_ROUNDS` (default 7; the first is a warm-up), `AUDIT_BENCH_ROWS` (default 20,000).
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTables } from '../../exporters/postgres/index.js';
import { startDelivery } from '../../src/delivery/delivery.js';
import { createJournal } from '../../src/journal/journal.js';
import { emptySchema } from '../support/audit-schema.js';
import { makeConfig } from '../support/config.js';
import { MANIFEST } from '../support/journals.js';
import { median } from '../support/median.js';
import { query, startPostgres } from '../support/postgres.js';
import { orderRecord } from './order-records.js';

const ROUNDS = Number(process.env.AUDIT_BENCH_ROUNDS ?? 7);
const ROWS = Number(process.env.AUDIT_BENCH_ROWS ?? 20_000);
const WARM_UP = 5000;

async function main(): Promise<void> {
  const server = await startPostgres();
  console.log(`PostgreSQL ${server.version} (${server.source}), ${ROWS} records with two bodies of about 900 bytes, ${ROUNDS - 1} rounds`);
  const kept = mkdtempSync(join(tmpdir(), 'otel-audit-bench-rows-'));
  // What the worker stored in the round before, in the server's own order.
  const rows = join(kept, 'rows');
  const rates = { worker: [] as number[], copy: [] as number[] };
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const directory = mkdtempSync(join(tmpdir(), 'otel-audit-bench-'));
      const stream = await writeStream(join(directory, 'source'));
      const turns = [
        async () => [rates.worker, await byWorker(server.url, directory, stream, rows)] as const,
        async () => [rates.copy, await byCopy(server.url, rows)] as const,
      ];
      // The worker uses the stream up; so the COPY goes first in every other round.
      for (const turn of round % 2 === 0 ? turns : turns.reverse()) {
        const [list, rate] = await turn();
        if (round > 0) list.push(rate);
      }
      rmSync(directory, { recursive: true });
    }
  } finally {
    rmSync(kept, { recursive: true });
    await server.stop();
  }
  const shares = rates.worker.map((rate, index) => Math.round((100 * rate) / (rates.copy[index] ?? Number.NaN)));
  console.log(`delivery worker   ${median(rates.worker).toFixed(0)} rows/s`);
  console.log(`psql \\copy       ${median(rates.copy).toFixed(0)} rows/s`);
  console.log(`share             median ${median(shares)} % of \\copy (${[...shares].sort((a, b) => a - b).join(', ')})`);
}

/** A closed stream, as a process that ended left it. */
async function writeStream(directory: string): Promise<string> {
  const journal = createJournal({ directory, manifest: MANIFEST, maxBytes: 1e9 });
  for (let nth = 0; nth < ROWS; nth += 1) {
    journal.append(orderRecord(nth));
    if (nth % 200 === 199) await new Promise(setImmediate);
  }
  await journal.close();
  return journal.directory;
}

async function byWorker(serverUrl: string, directory: string, stream: string, rows: string): Promise<number> {
  const url = await emptySchema(serverUrl);
  await createTables(url);
  const place = join(directory, 'journal');
  mkdirSync(place);
  const journal = createJournal({ directory: place, manifest: MANIFEST, maxBytes: 1e9 });
  const config = makeConfig({ exporters: ['postgres'], postgres: { url } });
  const delivery = startDelivery({ config, journal, manifest: MANIFEST, env: process.env, adoptIntervalMs: 20, onWarning: console.log });
  // Connected, and its code compiled, as a worker is that has been running.
  for (let nth = 1; nth <= WARM_UP; nth += 1) {
    journal.append(orderRecord(nth));
    if (nth % 200 === 0) await new Promise(setImmediate);
  }
  await delivery.flush(10_000);
  renameSync(stream, join(place, stream.slice(stream.lastIndexOf('/') + 1)));
  const delivered = () => delivery.counters()['postgres']?.delivered ?? 0;
  await reach(() => delivered() > WARM_UP);
  const [began, before] = [performance.now(), delivered()];
  await reach(() => delivered() === ROWS + WARM_UP);
  const rate = (ROWS + WARM_UP - before) / ((performance.now() - began) / 1000);
  const { settledSeq } = await delivery.shutdown(5000);
  await journal.close(settledSeq);
  psql(url, `\\copy (SELECT * FROM audit_logs) TO '${rows}'`);
  await dropOwn(url);
  return rate;
}

async function byCopy(serverUrl: string, rows: string): Promise<number> {
  const url = await emptySchema(serverUrl);
  await createTables(url);
  const began = performance.now();
  psql(url, `\\copy audit_logs FROM '${rows}'`);
  const rate = (ROWS + WARM_UP) / ((performance.now() - began) / 1000);
  await dropOwn(url);
  return rate;
}

function psql(url: string, command: string): void {
  execFileSync('psql', ['--no-psqlrc', '--quiet', '--dbname', url, '--command', command]);
}

/** Looking more often would take the worker's time, of which there is little on two cores. */
async function reach(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

async function dropOwn(url: string): Promise<void> {
  await query(url, "DO $$ BEGIN EXECUTE format('DROP SCHEMA %I CASCADE', current_schema()); END $$");
}

void main();
