/** Drives a service at full load, in parts, and reads from it what that costs its event loop and memory. */

import { send } from './audited-server.js';
import { CONCURRENCY, startFlow } from './request-flow.js';

/** A service that says at `/cost` how it has fared since it was asked last. */
export const MEASURED_SERVER = `
const { monitorEventLoopDelay } = require('node:perf_hooks');
const loop = monitorEventLoopDelay({ resolution: 1 });
loop.enable();
require('node:http').createServer((request, response) => {
  if (request.url !== '/cost') return request.resume().on('end', () => response.writeHead(201).end('{"ok":true}'));
  const { auditHealth } = require('otel-audit');
  const cost = { p99Ms: loop.percentile(99) / 1e6, maxMs: loop.max / 1e6, rssMb: process.memoryUsage.rss() / 1048576, health: auditHealth() };
  loop.reset();
  response.end(JSON.stringify(cost));
}).listen(0, '127.0.0.1', function () { console.log('listening on http://127.0.0.1:' + this.address().port); });
`;

export interface Cost {
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly rssMb: number;
  /** Absent from a service that is not audited. */
  readonly health?: {
    readonly capture: { readonly journalled: number; readonly dropped: Readonly<Record<string, number>> };
    readonly exporters: Readonly<Record<string, { readonly undelivered: number }>>;
  };
}

export interface LoadPart extends Cost {
  readonly answered: number;
}

export async function costOf(url: string): Promise<Cost> {
  return JSON.parse((await send(`${url}/cost`)).body) as Cost;
}

/** Full load for so many seconds, and what it cost. */
export async function load(url: string, seconds: number): Promise<LoadPart> {
  await costOf(url);
  const flow = startFlow(url, 'load');
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) await flow.more(CONCURRENCY);
  const { length: answered } = await flow.stop();
  return { ...(await costOf(url)), answered };
}
