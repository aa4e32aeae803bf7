/** What journal and delivery worker hold at rest: resident memory of processes that differ in nothing else, after a delivery and idle. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDelivery } from '../../src/delivery/delivery.js';
import { createJournal } from '../../src/journal/journal.js';
import { emptySchema } from '../support/audit-schema.js';
import { makeConfig } from '../support/config.js';
import { MANIFEST } from '../support/journals.js';
import { startPostgres } from '../support/postgres.js';
import { makeSizedRecord } from '../support/sized-records.js';

const ROUNDS = Number(process.argv[2] ?? 9);
const MODES = ['neither', 'journal', 'both, one record', 'both, 20,000 records'] as const;
type Mode = (typeof MODES)[number];
const RECORDS: Readonly<Record<Mode, number>> = { neither: 20_000, journal: 20_000, 'both, one record': 1, 'both, 20,000 records': 20_000 };
const IDLE_MS = 3000;
const TARGET_MB = 40;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Answers its resident memory in MB. */
async function rest(mode: Mode, directory: string, url: string): Promise<number> {
  const journal = mode === 'neither' ? undefined : createJournal({ directory, manifest: MANIFEST, maxBytes: 1e9 });
  const config = makeConfig({ exporters: ['postgres'], postgres: { url } });
  const delivery =
    mode.startsWith('both') && journal ? startDelivery({ config, journal, manifest: MANIFEST, env: process.env }) : undefined;
  for (let nth = 0; nth < RECORDS[mode]; nth += 1) {
    const record = makeSizedRecord(2048);
    journal?.append(record);
    if (nth % 10 === 9) await new Promise(setImmediate);
  }
  const flushed = await delivery?.flush(60_000);
  if (flushed?.isComplete === false) throw new Error('not all is delivered');
  await pause(IDLE_MS);
  return process.memoryUsage.rss() / 2 ** 20;
}

async function measure(mode: Mode, postgresUrl: string): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'otel-audit-bench-'));
  const child = fork(__filename, [mode, directory, await emptySchema(postgresUrl)]);
  const [rssMb] = (await once(child, 'message')) as [number];
  child.kill('SIGKILL');
  await once(child, 'exit');
  rmSync(directory, { recursive: true });
  return rssMb;
}

async function main(): Promise<void> {
  const postgres = await startPostgres();
  const results = new Map<Mode, number[]>(MODES.map((mode) => [mode, []]));
  try {
    for (let round = 0; round < ROUNDS; round += 1) for (const mode of MODES) results.get(mode)?.push(await measure(mode, postgres.url));
  } finally {
    await postgres.stop();
  }
  console.log(`${ROUNDS} interleaved rounds; RSS in MB after ${IDLE_MS / 1000} s of rest: median, and range`);
  const median = (mode: Mode) => (results.get(mode) ?? []).toSorted((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN;
  for (const [mode, list] of results) {
    const over = median(mode) - median('neither');
    const range = `${Math.min(...list).toFixed(1)} to ${Math.max(...list).toFixed(1)}`;
    console.log(`${mode.padEnd(24)} ${median(mode).toFixed(1)} (${range}), ${over.toFixed(1)} over neither; target ${TARGET_MB}`);
    if (over > TARGET_MB) process.exitCode = 1;
  }
}

const [, , mode, directory, url] = process.argv;
if (process.send === undefined) void main();
else void rest(mode as Mode, String(directory), String(url)).then((rssMb) => process.send?.(rssMb));
