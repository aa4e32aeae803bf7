/** What the journal costs the service: main-thread CPU per record of 2 KB, at a steady rate and in a burst. */

import * as fs from 'node:fs';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalize } from '../../src/canonical.js';
import { encodeLine, GENESIS_HASH, sha256 } from '../../src/journal/chain.js';
import { createJournal } from '../../src/journal/journal.js';
import type { Journal, JournalOptions } from '../../src/journal/journal-contract.js';
import { useJournalKeys } from '../../src/journal/keyring.js';
import { makeSizedRecord } from '../support/sized-records.js';

const ROUNDS = 5;
const RATE = 4000;
const SECONDS = 2;
const record = makeSizedRecord(2048);
const link = { epoch: 1, seq: 1, prevHash: GENESIS_HASH, stream: '01890000-0000-7000-8000-000000000000' };
const { line } = encodeLine(record, link);

/** CPU time of this thread in µs; threads of the pool do not count. */
function threadCpuUs(): number {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1000;
}

function openJournal(options: Partial<JournalOptions> = {}): { journal: Journal; done: () => Promise<void> } {
  const directory = mkdtempSync(join(tmpdir(), 'otel-audit-bench-'));
  const journal = createJournal({ directory, manifest: { service: 'bench', destinations: 'none' }, maxBytes: 1e12, ...options });
  return {
    journal,
    done: async () => {
      await journal.close();
      rmSync(directory, { recursive: true });
    },
  };
}

/** How long each tick's write held the event loop, in ms. */
function timedFs(durations: number[]): typeof fs {
  const writeSync = (...args: Parameters<typeof fs.writeSync>): number => {
    const started = performance.now();
    const written = fs.writeSync(...args);
    durations.push(performance.now() - started);
    return written;
  };
  return { ...fs, writeSync: writeSync as typeof fs.writeSync };
}

/** A response's wait for its record: 32 at a time, in ms. */
async function confirmations(): Promise<readonly number[]> {
  const { journal, done } = openJournal();
  const waits: number[] = [];
  const lane = async (): Promise<void> => {
    for (let nth = 0; nth < 100; nth += 1) {
      const started = performance.now();
      journal.append(record);
      await journal.sync();
      waits.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: 32 }, lane));
  await done();
  return waits.sort((a, b) => a - b);
}

/** `work` is done `RATE` times a second, in ticks of 1 ms. */
async function paced(work: () => void): Promise<number> {
  const before = threadCpuUs();
  const started = performance.now();
  let done = 0;
  while (done < RATE * SECONDS) {
    for (const due = ((performance.now() - started) / 1000) * RATE; done < due; done += 1) work();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return (threadCpuUs() - before) / done;
}

/** The least that any such journal costs: JSON.stringify and SHA-256 for each record, one write for each tick. */
async function floor(): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'otel-audit-bench-'));
  const descriptor = fs.openSync(join(directory, 'floor'), 'w');
  const bytes = Buffer.alloc(1024 * 1024);
  let end = 0;
  const write = (): void => {
    fs.writeSync(descriptor, bytes, 0, end);
    end = 0;
  };
  const us = await paced(() => {
    if (end === 0) setImmediate(write);
    const start = end;
    end += bytes.write(JSON.stringify(record), start);
    sha256(bytes.subarray(start, end));
  });
  fs.closeSync(descriptor);
  rmSync(directory, { recursive: true });
  return us;
}

function perCall(work: () => void, count = 20_000): number {
  for (let warm = 0; warm < 2000; warm += 1) work();
  const before = threadCpuUs();
  for (let nth = 0; nth < count; nth += 1) work();
  return (threadCpuUs() - before) / count;
}

async function burst(): Promise<number> {
  const { journal, done } = openJournal();
  const started = performance.now();
  for (let nth = 0; nth < 100_000; nth += 1) {
    journal.append(record);
    if (nth % 500 === 499) await new Promise(setImmediate);
  }
  journal.flushSync();
  const seconds = (performance.now() - started) / 1000;
  await done();
  return 100_000 / seconds;
}

async function main(): Promise<void> {
  const rows: Record<string, number[]> = {};
  const add = (name: string, value: number) => {
    rows[name] = [...(rows[name] ?? []), value];
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    const idle = await paced(() => undefined);
    const { journal, done } = openJournal();
    add(`append + write per tick at ${RATE}/s, µs`, (await paced(() => journal.append(record))) - idle);
    await done();
    add('… JSON.stringify, SHA-256 and the write alone, µs', (await floor()) - idle);
    const durations: number[] = [];
    const timed = openJournal({ fs: timedFs(durations) });
    await paced(() => timed.journal.append(record));
    await timed.done();
    durations.sort((a, b) => a - b);
    add('a tick holds the event loop for its write, p99, ms', durations[Math.floor(durations.length * 0.99)] ?? 0);
    add('… at most, ms', durations.at(-1) ?? 0);
    const sealed = openJournal({ key: useJournalKeys(['17'.repeat(32)]) });
    add(`append encrypted at ${RATE}/s, µs`, (await paced(() => sealed.journal.append(record))) - idle);
    await sealed.done();
    const waits = await confirmations();
    add('confirmed, 32 at a time: median wait, ms', waits[Math.floor(waits.length / 2)] ?? 0);
    add('… p99, ms', waits[Math.floor(waits.length * 0.99)] ?? 0);
    add(
      'of it: sha256 of the line, µs',
      perCall(() => sha256(line)),
    );
    add(
      'encodeLine with hash, µs',
      perCall(() => encodeLine(record, link)),
    );
    add(
      'JSON.stringify alone, µs',
      perCall(() => JSON.stringify(record)),
    );
    add(
      'canonicalize alone, µs',
      perCall(() => canonicalize(record)),
    );
    add('burst, records/s', await burst());
  }
  console.log(`line: ${Buffer.byteLength(line)} bytes, ${ROUNDS} rounds, median [min]`);
  for (const [name, values] of Object.entries(rows)) {
    const sorted = values.toSorted((a, b) => a - b);
    console.log(`${name.padEnd(52)} ${sorted[Math.floor(sorted.length / 2)]?.toFixed(2)} [${sorted[0]?.toFixed(2)}]`);
  }
}

void main();
