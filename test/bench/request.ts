/**
 * What the audit of a request costs the service: CPU of its main thread per JSON POST of 1 KB that is answered with 1 KB.
 * `request.js [rounds] [mode …]`; `RATE=800` paces the load; `CPU_PROF=<directory>` leaves a profile of each audited service there (the others end by the signal).
 */

import http from 'node:http';
import { send } from '../support/audited-server.js';
import { median } from '../support/median.js';
import { createModesFolder, MODES, type Mode, startMode } from '../support/preload-modes.js';
import type { Service } from '../support/service.js';

const ROUNDS = Number(process.argv[2] ?? 7);
const COMPARED: readonly Mode[] = process.argv.length > 3 ? MODES.filter((mode) => process.argv.includes(mode)) : MODES.slice(0, 4);
const REQUESTS = 2000;
/** Requests a second; 0: as many as are answered, where two cores also measure how the processes on them disturb each other. */
const RATE = Number(process.env['RATE'] ?? 0);
const CONNECTIONS = 8;

const claims = { sub: '7d1f0c52-6b8e-4f8b-9a53-0d7f5a1c2b3e', email: 'ada@example.com', tenant_id: 'acme', actor_type: 'customer' };
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json',
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  authorization: `Bearer ${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}.${'s1g-N4tuRe'.repeat(20)}`,
};
const item = (nth: number) => ({
  sku: `ANV-${nth}00`,
  name: 'Anvil, cast iron',
  quantity: nth,
  priceCents: 12_900,
  note: 'handle with care',
});
const BODY = JSON.stringify({
  customer: {
    name: 'Ada Lovelace',
    email: 'ada@example.com',
    password: 'hunter2',
    address: { street: '12 St James Square', city: 'London' },
  },
  items: [1, 2, 3, 4, 5, 6, 7].map(item),
  delivery: { method: 'courier', window: 'morning', comment: 'please ring twice and leave it at the back door' },
});

/** At `RATE`, or with each connection sending as soon as it is answered. */
async function load(service: Service, count: number): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const url = `${service.url}/api/orders?expand=items&page=2`;
  const started = performance.now();
  let sent = 0;
  const lane = async (): Promise<void> => {
    while (sent < count) {
      sent += 1;
      const dueMs = RATE === 0 ? 0 : (sent / RATE) * 1000 - (performance.now() - started);
      if (dueMs > 0) await new Promise((resolve) => setTimeout(resolve, dueMs));
      await post(url, agent);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, lane));
  agent.destroy();
}

function post(url: string, agent: http.Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    http
      .request(url, { method: 'POST', agent, headers: { ...HEADERS, 'content-length': Buffer.byteLength(BODY) } }, (response) => {
        response.resume().on('end', resolve).on('error', reject);
      })
      .on('error', reject)
      .end(BODY);
  });
}

async function cpuUs(service: Service): Promise<number> {
  return Number((await send(`${service.url}/health/cpu`)).body);
}

async function main(): Promise<void> {
  const folder = createModesFolder();
  const services = new Map<Mode, Service>();
  const perRequest = new Map<Mode, number[]>(COMPARED.map((mode) => [mode, []]));
  const profile = process.env['CPU_PROF'];
  try {
    for (const mode of COMPARED) {
      const directory = `${profile}/${mode.replaceAll(' ', '-')}`;
      const service = await startMode(folder, mode, {
        nodeArguments: profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${directory}`],
      });
      services.set(mode, service);
    }
    // Two rounds to warm up, with everything compiled.
    for (let round = -2; round < ROUNDS; round += 1) {
      for (const [mode, service] of services) {
        const before = await cpuUs(service);
        await load(service, REQUESTS);
        if (round >= 0) perRequest.get(mode)?.push(((await cpuUs(service)) - before) / REQUESTS);
      }
    }
  } finally {
    for (const service of services.values()) await service.end();
    folder.remove();
  }
  const base = median(perRequest.get('sdk') ?? []);
  console.log(
    `${Buffer.byteLength(BODY)} bytes; ${ROUNDS} interleaved rounds of ${REQUESTS} requests at ${RATE === 0 ? 'full speed' : `${RATE}/s`}, ${CONNECTIONS} connections`,
  );
  console.log(`${''.padEnd(24)} µs per request, median [min … max]   over sdk, median of the rounds' differences`);
  for (const [mode, values] of perRequest) {
    const over = median(values.map((value, round) => value - (perRequest.get('sdk')?.[round] ?? base)));
    const range = `[${Math.min(...values).toFixed(0)} … ${Math.max(...values).toFixed(0)}]`;
    console.log(`${mode.padEnd(24)} ${median(values).toFixed(1).padStart(6)} ${range.padEnd(28)} ${over.toFixed(1).padStart(8)}`);
  }
}

void main();
