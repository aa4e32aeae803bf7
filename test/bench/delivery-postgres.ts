/**
 * The delivery worker to Postgres against one COPY of the same rows: rows per second, in turns, medians of several rounds.
 * `AUDIT_BENCH_ROUNDS` (default 7; the first is a warm-up), `AUDIT_BENCH_ROWS` (default 20,000).
 */

import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { copyLine, copyLines } from '../../exporters/postgres/copy.js';
import { createTables } from '../../exporters/postgres/index.js';
import { toRow } from '../../exporters/postgres/row.js';
import { startDelivery } from '../../src/delivery/delivery.js';
import { createJournal } from '../../src/journal/journal.js';
import { emptySchema } from '../support/audit-schema.js';
import { makeConfig } from '../support/config.js';
import { MANIFEST, readRecords } from '../support/journals.js';
import { query, startPostgres } from '../support/postgres.js';
import { makeSizedRecord } from '../support/sized-records.js';

const ROUNDS = Number(process.env.AUDIT_BENCH_ROUNDS ?? 7);
const ROWS = Number(process.env.AUDIT_BENCH_ROWS ?? 20_000);
const RECORD_BYTES = 2048;

async function main(): Promise<void> {
  const server = await startPostgres();
  console.log(`PostgreSQL ${server.version} (${server.source}), ${ROWS} records of ${RECORD_BYTES} bytes, ${ROUNDS - 1} rounds`);
  const rates = { worker: [] as number[], copy: [] as number[] };
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const directory = mkdtempSync(join(tmpdir(), 'otel-audit-bench-'));
      const stream = await writeStream(join(directory, 'source'));
      const lines = readRecords(stream).map((record) => copyLine(toRow(record)));
      const turns = [
        async () => [rates.worker, await byWorker(server.url, directory, stream)] as const,
        async () => [rates.copy, await byCopy(server.url, lines)] as const,
      ];
      // The worker uses the stream up; so the COPY goes first in every other round.
      for (const turn of round % 2 === 0 ? turns : turns.reverse()) {
        const [list, rate] = await turn();
        if (round > 0) list.push(rate);
      }
      rmSync(directory, { recursive: true });
    }
  } finally {
    await server.stop();
  }
  const shares = rates.worker.map((rate, index) => Math.round((100 * rate) / (rates.copy[index] ?? Number.NaN)));
  console.log(`delivery worker   ${median(rates.worker).toFixed(0)} rows/s`);
  console.log(`one COPY          ${median(rates.copy).toFixed(0)} rows/s`);
  console.log(`share             median ${median(shares)} % of one COPY (${[...shares].sort((a, b) => a - b).join(', ')})`);
}

/** A closed stream, as a process that ended left it. */
async function writeStream(directory: string): Promise<string> {
  const journal = createJournal({ directory, manifest: MANIFEST, maxBytes: 1e9 });
  for (let nth = 0; nth < ROWS; nth += 1) {
    journal.append(makeSizedRecord(RECORD_BYTES));
    if (nth % 200 === 199) await new Promise(setImmediate);
  }
  await journal.close();
  return journal.directory;
}

async function byWorker(serverUrl: string, directory: string, stream: string): Promise<number> {
  const url = await emptySchema(serverUrl);
  await createTables(url);
  const place = join(directory, 'journal');
  mkdirSync(place);
  const journal = createJournal({ directory: place, manifest: MANIFEST, maxBytes: 1e9 });
  const config = makeConfig({ exporters: ['postgres'], postgres: { url } });
  const delivery = startDelivery({ config, journal, manifest: MANIFEST, env: process.env, adoptIntervalMs: 20, onWarning: console.log });
  // Connected and warm, as a worker is that has been running.
  journal.append(makeSizedRecord(RECORD_BYTES));
  await delivery.flush(10_000);
  renameSync(stream, join(place, stream.slice(stream.lastIndexOf('/') + 1)));
  const delivered = () => delivery.counters()['postgres']?.delivered ?? 0;
  await reach(() => delivered() > 1);
  const [began, before] = [performance.now(), delivered()];
  await reach(() => delivered() === ROWS + 1);
  const rate = (ROWS + 1 - before) / ((performance.now() - began) / 1000);
  const { settledSeq } = await delivery.shutdown(5000);
  await journal.close(settledSeq);
  await dropOwn(url);
  return rate;
}

async function byCopy(serverUrl: string, lines: readonly string[]): Promise<number> {
  const url = await emptySchema(serverUrl);
  await createTables(url);
  const client = new Client({ connectionString: url });
  await client.connect();
  const text = lines.join('');
  const began = performance.now();
  await copyLines(client, [text]);
  const rate = lines.length / ((performance.now() - began) / 1000);
  await client.end();
  await dropOwn(url);
  return rate;
}

async function reach(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

async function dropOwn(url: string): Promise<void> {
  await query(url, "DO $$ BEGIN EXECUTE format('DROP SCHEMA %I CASCADE', current_schema()); END $$");
}

void main();
