/**
 * Rows per second and client CPU of the Postgres exporter as a role that may only insert, with row level security on, against
 * one INSERT a row and `psql \copy` of the same rows by the owner, both of whom row level security does not concern.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { createPostgresExporter, createTables } from '../../exporters/postgres/index.js';
import { ROW_COLUMNS, toRow } from '../../exporters/postgres/row.js';
import { exportLines } from '../../src/line-exporter.js';
import type { JournalledRecord } from '../../src/record.js';
import { lineOf } from '../../src/record-line.js';
import { chained } from '../../src/testing/records.js';
import { emptySchema, newRole } from '../support/audit-schema.js';
import { median } from '../support/median.js';
import { query, startPostgres } from '../support/postgres.js';
import { orderRecord } from './order-records.js';

const ROWS = 12_000;
const ROWS_ONE_BY_ONE = 1500;
const BATCH = 1000;
/** The first is a warm-up and not counted. */
const ROUNDS = Number(process.env.AUDIT_BENCH_ROUNDS ?? 6);

interface Result {
  readonly rowsPerSecond: number;
  /** Of this process, in microseconds; nothing for `psql`. */
  readonly cpuPerRow: number;
}

/** Of the same tables, for two roles. */
interface Urls {
  readonly owner: string;
  readonly writer: string;
}

type Method = (urls: Urls, records: readonly JournalledRecord[]) => Promise<Result>;

const METHODS: Readonly<Record<string, Method>> = { exporter: byExporter, 'one INSERT a row': oneByOne, 'psql \\copy': byCopy };

async function main(): Promise<void> {
  const server = await startPostgres();
  console.log(`PostgreSQL ${server.version} (${server.source}), ${ROWS} rows with two bodies of about 900 bytes, batches of ${BATCH}`);
  const results = new Map<string, Result[]>(Object.keys(METHODS).map((name) => [name, []]));
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const methods = Object.entries(METHODS);
      for (const [name, method] of round % 2 === 0 ? methods : methods.reverse()) {
        const urls = await tables(server.url);
        const result = await method(urls, sample());
        if (round > 0) results.get(name)?.push(result);
        await dropOwn(urls.owner);
      }
    }
  } finally {
    await server.stop();
  }
  report(results);
}

async function tables(server: string): Promise<Urls> {
  const owner = await emptySchema(server);
  await createTables(owner, { rolePrefix: 'audit' });
  const { role, url: writer } = await newRole(owner);
  await query(owner, `GRANT audit_writer TO ${role}`);
  return { owner, writer };
}

async function byExporter({ writer: url }: Urls, records: readonly JournalledRecord[]): Promise<Result> {
  const exporter = createPostgresExporter({ url });
  const never = new AbortController().signal;
  await exporter.export([...sample(1)], never);
  // As delivery has them.
  const lines = records.map(lineOf);
  const result = await measured(lines.length, async () => {
    for (let start = 0; start < lines.length; start += BATCH) await exportLines(exporter, lines.slice(start, start + BATCH), never);
  });
  await exporter.shutdown();
  return result;
}

async function oneByOne({ owner: url }: Urls, records: readonly JournalledRecord[]): Promise<Result> {
  const client = await connected(url);
  const columns = ROW_COLUMNS.map(({ name }) => name).join(', ');
  const values = ROW_COLUMNS.map((_, index) => `$${index + 1}`).join(', ');
  const text = `INSERT INTO audit_logs (${columns}) VALUES (${values}) ON CONFLICT DO NOTHING`;
  const some = records.slice(0, ROWS_ONE_BY_ONE);
  const result = await measured(some.length, async () => {
    for (const record of some) {
      await client.query({ name: 'one', text, values: [...toRow(record)] });
    }
  });
  await client.end();
  return result;
}

async function byCopy({ owner: url }: Urls, records: readonly JournalledRecord[]): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'otel-audit-bench-'));
  const file = join(directory, 'rows');
  const source = await tables(url);
  await byExporter(source, records);
  psql(source.owner, `\\copy (SELECT * FROM audit_logs) TO '${file}'`);
  const result = await measured(records.length, async () => psql(url, `\\copy audit_logs FROM '${file}'`));
  rmSync(directory, { recursive: true });
  await dropOwn(source.owner);
  return { ...result, cpuPerRow: Number.NaN };
}

function psql(url: string, command: string): void {
  execFileSync('psql', ['--no-psqlrc', '--quiet', '--dbname', url, '--command', command]);
}

async function measured(rows: number, work: () => Promise<void>): Promise<Result> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { rowsPerSecond: rows / seconds, cpuPerRow: (user + system) / rows };
}

function report(results: ReadonlyMap<string, readonly Result[]>): void {
  const base = median((results.get('psql \\copy') ?? []).map(({ rowsPerSecond }) => rowsPerSecond));
  for (const [name, rounds] of results) {
    const rows = median(rounds.map(({ rowsPerSecond }) => rowsPerSecond));
    const cpu = median(rounds.map(({ cpuPerRow }) => cpuPerRow));
    const share = `${Math.round((100 * rows) / base)} % of \\copy`;
    console.log(`${name.padEnd(18)} ${rows.toFixed(0).padStart(7)} rows/s  ${share.padStart(15)}  client CPU ${cpu.toFixed(1)} µs/row`);
  }
}

function sample(count = ROWS): readonly JournalledRecord[] {
  return chained(Array.from({ length: count }, (_, n) => orderRecord(n)));
}

async function connected(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return client;
}

async function dropOwn(url: string): Promise<void> {
  await query(url, "DO $$ BEGIN EXECUTE format('DROP SCHEMA %I CASCADE', current_schema()); END $$");
}

void main();
