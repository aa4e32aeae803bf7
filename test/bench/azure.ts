/** Measures the Azure exporter: CPU per record of 2 KB, and records a second to a local endpoint in another process. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { eventsOf } from '../../exporters/azure/envelope/log-record.js';
import { createAzureExporter } from '../../exporters/azure/index.js';
import { recordOf } from '../exporters/azure/audit-records.js';

const BATCH = 500;
const ROUNDS = 40;

async function main(): Promise<void> {
  const server = fork(join(__dirname, 'azure-server.js'), { stdio: 'inherit' });
  const [port] = (await once(server, 'message')) as [number];
  const records = Array.from({ length: BATCH }, (_, index) => recordOf(index, { metadata: { note: 'x'.repeat(640) } }));
  console.log(`record: ${Math.round(records.reduce((bytes, record) => bytes + JSON.stringify(record).length, 0) / BATCH)} bytes as JSON`);
  measureMapping(records);
  for (const gzip of [false, true]) {
    const exporter = createAzureExporter({
      connectionString: `InstrumentationKey=00000000-0000-4000-8000-000000000001;IngestionEndpoint=http://127.0.0.1:${port}`,
      gzip,
    });
    const send = async (): Promise<void> => {
      const acknowledgements = await exporter.export(records, AbortSignal.timeout(10_000));
      const lost = acknowledgements.find((one) => one.status !== 'delivered');
      if (lost !== undefined) throw new Error(JSON.stringify(lost));
    };
    for (let round = 0; round < 5; round += 1) await send();
    const cpu = process.cpuUsage();
    const startedAt = performance.now();
    for (let round = 0; round < ROUNDS; round += 1) await send();
    const seconds = (performance.now() - startedAt) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    const count = BATCH * ROUNDS;
    console.log(
      `${gzip ? 'gzip' : 'plain'}: ${((user + system) / count).toFixed(1)} µs CPU a record, ${Math.round(count / seconds)} records/s`,
    );
    await exporter.shutdown();
  }
  server.disconnect();
}

function measureMapping(records: Parameters<typeof eventsOf>[0][]): void {
  const map = (): void => {
    for (const record of records) eventsOf(record, { clientAddress: false, user: false });
  };
  for (let round = 0; round < 10; round += 1) map();
  const cpu = process.cpuUsage();
  for (let round = 0; round < ROUNDS; round += 1) map();
  const { user, system } = process.cpuUsage(cpu);
  console.log(`mapping alone: ${((user + system) / (records.length * ROUNDS)).toFixed(1)} µs CPU a record`);
}

void main();
