/** Kills a service again and again while it answers requests, and compares what it answered with what is in Postgres. */

import assert from 'node:assert/strict';
import { emptySchema } from './audit-schema.js';
import { query, type TestPostgres } from './postgres.js';
import { CONCURRENCY, type RequestFlow, startFlow } from './request-flow.js';
import { createServiceFolder, type Service, saidSlowDisk } from './service.js';
import { until } from './waiting.js';

const SERVER = `
require('node:http').createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(201, { 'content-type': 'application/json' }).end('{"ok":true}'));
}).listen(0, '127.0.0.1', function () { console.log('listening on http://127.0.0.1:' + this.address().port); });
`;

export interface KillProof {
  readonly answered: number;
  readonly stored: number;
  /** Answered and not in Postgres. */
  readonly missing: number;
  /** The most that the ticks of the kills may have taken. */
  readonly allowed: number;
  readonly twice: number;
  readonly losses: number;
}

export interface KillPlan {
  readonly requests: number;
  readonly restarts: number;
  /** From 0 to 1; says after how many requests of its share each process is killed. */
  readonly random: () => number;
  /** A confirmed answer is in the journal, so a kill may take none. Default `async`. */
  readonly delivery?: 'async' | 'confirmed';
}

export async function proveKills(postgres: TestPostgres, { requests, restarts, random, delivery = 'async' }: KillPlan): Promise<KillProof> {
  const url = await emptySchema(postgres.url);
  const folder = createServiceFolder({ 'server.js': SERVER });
  const env = {
    AUDIT_POSTGRES_URL: url,
    AUDIT_JOURNAL_DIR: 'journal',
    AUDIT_HEARTBEAT_MS: '0',
    AUDIT_DELIVERY: delivery,
    AUDIT_CONFIRM_TIMEOUT_MS: '20000',
  };
  const answered: string[] = [];
  let allowed = 0;
  let running: Service | undefined;
  try {
    for (let life = 0; life <= restarts; life += 1) {
      const service = await folder.start({ entry: 'server.js', env, isGuarded: false });
      running = service;
      const flow = startFlow(service.url, `life${life}`);
      const share = Math.ceil((requests - answered.length) / (restarts - life + 1));
      const isLast = life === restarts;
      await flowFor(flow, isLast ? share : Math.ceil(share * (0.5 + random())));
      if (!isLast) {
        await service.end('SIGKILL');
        if (delivery === 'async') allowed += (saidSlowDisk(service) ? 5 : 1) * CONCURRENCY;
      }
      answered.push(...(await flow.stop()));
      if (!isLast) continue;
      const [before] = await query(url, COUNT);
      await until('all of it is in Postgres', async () => await isSettled(url, answered.length - allowed, restarts), 120_000).catch(() => {
        throw new Error(`${JSON.stringify(before)} of ${answered.length} arrived`);
      });
      await service.end();
    }
    const ids = new Set(
      (await query(url, "SELECT request_id FROM audit_logs WHERE kind = 'http'")).map(({ request_id }) => String(request_id)),
    );
    const [counts] = await query(url, COUNT);
    const missing = answered.filter((id) => !ids.has(id)).length;
    return {
      answered: answered.length,
      stored: Number(counts?.stored),
      missing,
      allowed,
      twice: Number(counts?.stored) - ids.size,
      losses: Number(counts?.losses),
    };
  } finally {
    if (running?.process.exitCode === null && running.process.signalCode === null) await running.end('SIGKILL');
    folder.remove();
  }
}

export function assertProven({ missing, allowed, twice, losses }: KillProof, restarts: number): void {
  assert.equal(twice, 0, 'nothing is stored twice');
  assert.ok(missing <= allowed, `${missing} answered requests are missing, the ticks of the kills allow ${allowed}`);
  assert.equal(losses, restarts, 'each kill is told of once');
}

/** In parts, each of which has its own deadline. */
async function flowFor(flow: RequestFlow, count: number): Promise<void> {
  for (let left = count; left > 0; left -= 50) await flow.more(Math.min(left, 50));
}

/** A small generator with a seed, so that a failure can be played again. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

const COUNT = "SELECT count(*) FILTER (WHERE kind = 'http') AS stored, count(*) FILTER (WHERE kind = 'loss') AS losses FROM audit_logs";

/** Everything has arrived that must; the end of the last process flushes what more there is. */
async function isSettled(url: string, least: number, losses: number): Promise<boolean> {
  const [counts] = await query(url, COUNT);
  return Number(counts?.stored) >= least && Number(counts?.losses) >= losses;
}
