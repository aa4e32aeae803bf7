/** What delivery costs the service: memory at rest, event-loop delay under load and at a flush, and how much it gets through. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { startDelivery } from '../../src/delivery/delivery.js';
import { createJournal } from '../../src/journal/journal.js';
import { makeConfig } from '../support/config.js';
import { MANIFEST } from '../support/journals.js';
import { makeSizedRecord } from '../support/sized-records.js';

const RATE = 4000;
const SECONDS = 5;
const BURST = 100_000;
/** Takes everything at once, so that what is measured is ours. */
const SINK = `exports.createExporter = () => ({
  name: 'sink', shutdown: async () => {},
  export: async (records) => records.map(() => ({ status: 'delivered' })),
});`;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const rssMb = () => process.memoryUsage.rss() / 1024 / 1024;
const say = (name: string, ...values: (number | string)[]) =>
  console.log(name.padEnd(50), ...values.map((value) => (typeof value === 'number' ? value.toFixed(1) : value)));

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'otel-audit-bench-'));
  const module = join(directory, 'sink.cjs');
  writeFileSync(module, SINK);
  const before = rssMb();
  const journal = createJournal({ directory: join(directory, 'journal'), manifest: MANIFEST, maxBytes: 1e9, onWarning: console.log });
  const started = performance.now();
  const delivery = startDelivery({ config: makeConfig({ exporters: [module] }), journal, manifest: MANIFEST, env: process.env });
  say('startDelivery blocks for, ms', performance.now() - started);
  await pause(1000);
  say('memory at rest over none, MB', rssMb() - before);
  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();
  const delays = () => {
    const text = `p50 ${(loop.percentile(50) / 1e6).toFixed(1)}, p99 ${(loop.percentile(99) / 1e6).toFixed(1)}, max ${(loop.max / 1e6).toFixed(1)}`;
    loop.reset();
    return text;
  };
  await pause(1000);
  say('event-loop delay idle, ms', delays());
  const record = makeSizedRecord(2048);
  const start = performance.now();
  for (let done = 0; done < RATE * SECONDS; await pause(1)) {
    for (const due = ((performance.now() - start) / 1000) * RATE; done < due; done += 1) journal.append(record);
  }
  say(`event-loop delay at ${RATE} records/s, ms`, delays());
  say('memory over none, MB', rssMb() - before);
  await delivery.flush(10_000);
  for (let nth = 0; nth < 500; nth += 1) journal.append(record);
  const flushing = performance.now();
  await pause(1);
  loop.reset();
  await delivery.flush(10_000);
  say('flush of 500 records takes, ms', performance.now() - flushing);
  say('event-loop delay meanwhile, ms', delays());
  const burst = performance.now();
  for (let nth = 0; nth < BURST; nth += 1) {
    journal.append(record);
    if (nth % 500 === 499) await new Promise(setImmediate);
  }
  await delivery.flush(60_000);
  say('burst journalled and delivered, records/s', BURST / ((performance.now() - burst) / 1000));
  say('memory after the burst over none, MB', rssMb() - before);
  const { settledSeq } = await delivery.shutdown(5000);
  await journal.close(settledSeq);
  rmSync(directory, { recursive: true });
}

void main();
