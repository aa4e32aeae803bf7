/** What the preload costs a service: time until it listens, and memory before and after its first record is delivered. */

import { send } from '../support/audited-server.js';
import { median } from '../support/median.js';
import { startPostgres } from '../support/postgres.js';
import { createModesFolder, MODES, type Mode, type Probe, startMode } from '../support/preload-modes.js';
import type { ServiceFolder } from '../support/service.js';
import { until } from '../support/waiting.js';

const ROUNDS = Number(process.argv[2] ?? 9);
/** Loaded on the main thread only where they are used. */
const WATCHED = /^(?:pg|@azure\/.*|@opentelemetry\/sdk-node|@opentelemetry\/instrumentation-http|@grpc\/grpc-js|applicationinsights)$/;

interface Round {
  readonly listening: Probe;
  readonly delivered: Probe;
}

async function measure(folder: ServiceFolder, mode: Mode, postgresUrl: string): Promise<Round> {
  const service = await startMode(folder, mode, { postgresUrl });
  const probe = async (): Promise<Probe> => JSON.parse((await send(`${service.url}/health`)).body) as Probe;
  try {
    const listening = await probe();
    await send(`${service.url}/api/orders`, { method: 'POST', headers: { 'content-type': 'application/json' } }, '{"item":"anvil"}');
    let delivered = listening;
    await until(`${mode} has delivered`, async () => {
      delivered = await probe();
      return delivered.delivered === undefined || delivered.delivered >= 1;
    });
    return { listening, delivered };
  } finally {
    await service.end('SIGKILL');
  }
}

async function main(): Promise<void> {
  const postgres = await startPostgres();
  const rounds = new Map<Mode, Round[]>(MODES.map((mode) => [mode, []]));
  const folder = createModesFolder();
  try {
    for (let round = 0; round < ROUNDS; round += 1)
      for (const mode of MODES) rounds.get(mode)?.push(await measure(folder, mode, postgres.url));
  } finally {
    folder.remove();
    await postgres.stop();
  }
  console.log(`${ROUNDS} interleaved rounds, medians; the first record's delivery includes the worker`);
  console.log(
    `${''.padEnd(24)}${['start ms', 'start CPU ms', 'RSS MB', 'RSS MB delivered', 'modules'].map((head) => head.padStart(18)).join('')}`,
  );
  for (const [mode, list] of rounds) {
    const row = [
      median(list.map(({ listening }) => listening.startMs)),
      median(list.map(({ listening }) => listening.startCpuMs)),
      median(list.map(({ listening }) => listening.rssBytes / 2 ** 20)),
      median(list.map(({ delivered }) => delivered.rssBytes / 2 ** 20)),
      list[0]?.delivered.modules ?? Number.NaN,
    ];
    console.log(`${mode.padEnd(24)}${row.map((value) => value.toFixed(0).padStart(18)).join('')}`);
    console.log(
      `${''.padEnd(24)}  watched on the main thread: ${list[0]?.delivered.packages.filter((name) => WATCHED.test(name)).join(' ') || 'none'}`,
    );
  }
}

void main();
