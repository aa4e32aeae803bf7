/** What row changes cost: a statement's context, a single row, a bulk statement, and installing triggers beside writers. */

import { Client } from 'pg';
import type { Carrier } from '../../src/changes/carrier.js';
import { encodeContext } from '../../src/changes/change-context.js';
import { createDatabaseStates } from '../../src/changes/database-state.js';
import { findTables, install, track, untrack } from '../../src/changes/install.js';
import { patchPgClient } from '../../src/changes/pg-context.js';
import { median } from '../support/median.js';
import { startPostgres } from '../support/postgres.js';

const STATEMENTS = 500;
const ROUNDS = 5;
const BULK_ROWS = 50_000;

async function main(): Promise<void> {
  const postgres = await startPostgres();
  try {
    console.log(`PostgreSQL ${postgres.version}, Node ${process.version}; medians of ${ROUNDS} interleaved rounds`);
    await singleRows(postgres.url);
    await bulk(postgres.url);
    await installation(postgres.url);
    await contexts(postgres.url);
  } finally {
    await postgres.stop();
  }
}

/** By turns with the driver as it is, with one context all the time, and with another context for each statement: the worst case. */
async function contexts(url: string): Promise<void> {
  const client = await connect(url);
  const prototype = Client.prototype as unknown as Record<'query' | '_pulseQueryQueue', unknown>;
  const bareDriver = { query: prototype.query, _pulseQueryQueue: prototype._pulseQueryQueue };
  let nth = 0;
  let changes = false;
  const carrier: Carrier = {
    contextNow() {
      if (changes) nth += 1;
      return encodeContext({
        id: `01234567-89ab-7cde-8f01-${String(nth).padStart(12, '0')}`,
        service: 'bench',
        requestId: 'r',
        actor: { id: 'u', type: 'user', email: 'u@example.com', source: 'jwt', verified: true },
        method: 'GET',
        path: '/orders/42',
      });
    },
    mode: 'auto',
    databases: createDatabaseStates(() => performance.now()),
    onUncarried: () => undefined,
  };
  patchPgClient(Client.prototype as never, carrier);
  const carryingDriver = { query: prototype.query, _pulseQueryQueue: prototype._pulseQueryQueue };
  const run = (): Promise<number> =>
    timed(async () => {
      for (let index = 0; index < STATEMENTS; index += 1) await client.query('SELECT $1::int', [index]);
    });
  const times: Record<'bare' | 'same' | 'other', number[]> = { bare: [], same: [], other: [] };
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const kind of ['bare', 'same', 'other'] as const) {
      Object.assign(prototype, kind === 'bare' ? bareDriver : carryingDriver);
      changes = kind === 'other';
      const time = await run();
      // The first round warms up.
      if (round > 0) times[kind].push(time / STATEMENTS);
    }
  }
  say('context per statement, same request as before', median(times.same) - median(times.bare), 'ms', 0.15);
  say('context per statement, another request each time', median(times.other) - median(times.bare), 'ms', 0.15);
  console.log(`  (${median(times.bare).toFixed(3)} ms bare)`);
  await client.end();
}

async function singleRows(url: string): Promise<void> {
  const client = await connect(url);
  await client.query(
    'CREATE TABLE single (id int PRIMARY KEY, status text, qty int, price numeric, note text, at timestamptz DEFAULT now())',
  );
  await client.query("INSERT INTO single SELECT g, 'new', g, g, 'note' FROM generate_series(1, 1000) g");
  await install(client);
  const [table] = await findTables(client, 'single');
  if (table === undefined) throw new Error('no table');
  await client.query("SELECT set_config('audit.context', repeat('x', 300), false)");
  const run = (): Promise<number> =>
    timed(async () => {
      for (let index = 0; index < STATEMENTS; index += 1)
        await client.query({
          name: 'single',
          text: 'UPDATE single SET qty = qty + 1, note = $2 WHERE id = $1',
          values: [1 + (index % 1000), `n${index}`],
        });
    });
  const bare: number[] = [];
  const tracked: number[] = [];
  await run();
  for (let round = 0; round < ROUNDS; round += 1) {
    bare.push(await run());
    await track(client, table, { excluded: [], masked: [] });
    tracked.push(await run());
    await untrack(client, table);
    await client.query('VACUUM single');
  }
  say('single-row update, tracked', median(tracked) / median(bare), 'times the bare one', 1.5);
  console.log(`  (${(median(bare) / STATEMENTS).toFixed(3)} ms bare, ${(median(tracked) / STATEMENTS).toFixed(3)} ms tracked)`);
  await client.end();
}

async function bulk(url: string): Promise<void> {
  const client = await connect(url);
  await client.query(
    'CREATE TABLE bulk (id bigint PRIMARY KEY, status text, qty int, price numeric(10, 2), note text, at timestamptz DEFAULT now())',
  );
  await client.query(`INSERT INTO bulk SELECT g, 'new', g, g, repeat('x', 40) FROM generate_series(1, ${BULK_ROWS}) g`);
  const [table] = await findTables(client, 'bulk');
  if (table === undefined) throw new Error('no table');
  const run = (): Promise<number> => timed(() => client.query('UPDATE bulk SET qty = qty + 1').then(() => undefined));
  const bare: number[] = [];
  const tracked: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await client.query('VACUUM bulk');
    bare.push(await run());
    await track(client, table, { excluded: [], masked: [] });
    await client.query('UPDATE bulk SET qty = 0 WHERE id = 1');
    await client.query('VACUUM bulk');
    tracked.push(await run());
    await untrack(client, table);
  }
  say(`update of ${BULK_ROWS} rows, tracked`, median(tracked) / median(bare), 'times the bare one', 6);
  await client.end();
}

/** A million rows, four writers, one of which holds its transaction open for a while again and again. */
async function installation(url: string): Promise<void> {
  const client = await connect(url);
  await client.query('CREATE TABLE large (id int PRIMARY KEY, n int)');
  await client.query('INSERT INTO large SELECT g, 0 FROM generate_series(1, 1000000) g');
  const [table] = await findTables(client, 'large');
  if (table === undefined) throw new Error('no table');
  let isOver = false;
  const worst = { before: 0, during: 0 };
  let phase: keyof typeof worst = 'before';
  const writers = Array.from({ length: 4 }, async (_, writer) => {
    const own = await connect(url);
    for (let turn = 0; !isOver; turn += 1) {
      const started = performance.now();
      await own.query('BEGIN');
      await own.query('UPDATE large SET n = n + 1 WHERE id = $1', [1 + ((turn * 4 + writer) % 1_000_000)]);
      const waited = performance.now() - started;
      if (writer === 0 && turn % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 30));
      await own.query('COMMIT');
      worst[phase] = Math.max(worst[phase], waited);
    }
    await own.end();
  });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  phase = 'during';
  for (let round = 0; round < 20; round += 1) {
    await track(client, table, { excluded: [], masked: [] });
    await untrack(client, table);
  }
  isOver = true;
  await Promise.all(writers);
  say('longest wait of a writer while triggers come and go 20 times on 1,000,000 rows', worst.during, 'ms', 100);
  console.log(`  (${worst.before.toFixed(1)} ms before)`);
  await client.end();
}

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return client;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function say(what: string, value: number, unit: string, target: number): void {
  console.log(`${what}: ${value.toFixed(3)} ${unit} (target ${target})`);
}

void main();
