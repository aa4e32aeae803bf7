/** Drives a service at full load, in parts, and reads from it what that costs its event loop and memory. */

import { send } from './audited-server.js';
import { startFlow } from './request-flow.js';

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
  readonly health: {
    readonly status: string;
    readonly capture: { readonly journalled: number; readonly dropped: Readonly<Record<string, number>> };
    readonly exporters: Readonly<Record<string, { readonly undelivered: number; readonly delivered: number }>>;
  };
}

export async function costOf(url: string): Promise<Cost> {
  return JSON.parse((await send(`${url}/cost`)).body) as Cost;
}

/** Full load for so many seconds; the cost of every `partSeconds`. */
export async function load(
  url: string,
  prefix: string,
  seconds: number,
  partSeconds: number,
): Promise<{ answered: number; costs: readonly Cost[] }> {
  const flow = startFlow(url, prefix);
  const costs: Cost[] = [];
  await costOf(url);
  for (let part = 0; part < seconds / partSeconds; part += 1) {
    const end = performance.now() + partSeconds * 1000;
    while (performance.now() < end) await flow.more(20);
    costs.push(await costOf(url));
  }
  return { answered: (await flow.stop()).length, costs };
}
