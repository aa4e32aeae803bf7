/** Which worlds to play so that every call to the file system meets everything that can happen to it, and how to play them. */

import fc from 'fast-check';
import { ERRORS, type IoFate, type IoFault } from './fate.js';
import { LEASE_MS, type Step, type WorldScenario, worldScenarios } from './scenario.js';
import { type IoSite, listIoSites } from './sites.js';
import { playWorld } from './world.js';

/** `site fate`. */
export type Disturbance = string;

export function fatesOf({ kind, writes }: IoSite): readonly IoFate[] {
  return [
    ...ERRORS,
    'crash',
    'crash-after',
    ...(kind === 'sync' ? [] : ['delay' as const]),
    ...(writes ? ['short' as const, 'torn' as const] : []),
  ];
}

/** Everything that has to happen. */
export function allDisturbances(): readonly Disturbance[] {
  return listIoSites().flatMap((site) => fatesOf(site).map((fate) => `${site.name} ${fate}`));
}

const faults: fc.Arbitrary<IoFault> = fc
  .constantFrom(...listIoSites())
  .chain((site) => fc.record({ site: fc.constant(site.name), nth: fc.nat(2), fate: fc.constantFrom(...fatesOf(site)) }));

/** @throws with the counterexample and what happened in it. `seed` undefined: another one each time. Answers what has happened. */
export async function playRandomWorlds(numRuns: number, seed: number | undefined): Promise<ReadonlySet<Disturbance>> {
  const happened = new Set<Disturbance>();
  const property = fc.asyncProperty(worldScenarios(faults), async (scenario) => {
    for (const disturbance of (await playWorld(scenario)).disturbed) happened.add(disturbance);
  });
  // Worlds have times in them: what is shrunk may be another fault, so the first one is shown.
  const result = await fc.check(property, { numRuns, endOnFailure: true, ...(seed === undefined ? {} : { seed }) });
  if (result.failed)
    // In the message: a cause does not leave the thread.
    throw new Error(
      `seed ${result.seed}, path ${result.counterexamplePath}: ${JSON.stringify(result.counterexample)}\n${result.errorInstance}`,
    );
  return happened;
}

/** Each of `wanted` in a world that is known to come by there. Answers what has happened, and in how many worlds. */
export async function playEveryCall(
  wanted: readonly Disturbance[],
): Promise<{ readonly happened: ReadonlySet<Disturbance>; readonly worlds: number }> {
  const happened = new Set<Disturbance>();
  let worlds = 0;
  const play = async (scenario: WorldScenario) => {
    worlds += 1;
    const { disturbed, met } = await playWorld(scenario);
    for (const disturbance of disturbed) happened.add(disturbance);
    return met;
  };
  const roads: { readonly scenario: WorldScenario; readonly met: ReadonlySet<string> }[] = [];
  for (const scenario of RICH) roads.push({ scenario, met: await play(scenario) });
  for (const disturbance of wanted) {
    const cut = disturbance.lastIndexOf(' ');
    const fault = { site: disturbance.slice(0, cut), fate: disturbance.slice(cut + 1) as IoFate };
    // The first call is often that of a process that has nothing yet, and which call it is in depends on the moment.
    const attempts = [0, 1, 2, 0, 1].flatMap((nth) =>
      roads.filter(({ met }) => met.has(fault.site)).map(({ scenario }) => ({ scenario, nth })),
    );
    for (const { scenario, nth } of attempts) {
      const others = scenario.faults.filter(({ site }) => site !== fault.site);
      await play({ ...scenario, faults: [...others, { ...fault, nth }] });
      if (happened.has(disturbance)) break;
    }
  }
  return { happened, worlds };
}

const start = (kind: 'service' | 'host', on = 0, reusesPid = false): Step => ({ do: 'start', kind, on, reusesPid });
const append = (count: number, who = 0): Step => ({ do: 'append', who, count });
const work = (operations: number): Step => ({ do: 'work', operations });
const look: Step = { do: 'look' };

const COMMON = { count: 3, luck: [0.5, 0.9, 0.1, 0.6] } as const;

/** The line of the compiled code is not to be known here, so a fault that opens a road is named by file and function. */
export function faultAt(file: string, method: string, nth: number, fate: IoFate = 'EIO', index = 0): IoFault {
  const found = listIoSites().filter((site) => site.name.startsWith(`${file}.js:`) && site.method === method)[index];
  if (found === undefined) throw new Error(`${file} calls ${method} no more`);
  return { site: found.name, nth, fate };
}

/** Between them they come by every call. */
const RICH: readonly WorldScenario[] = [
  {
    ...COMMON,
    mode: 'own',
    exporters: 2,
    rejectEvery: 4,
    calls: ['lost', 'down'],
    write: 'tick',
    steps: [
      start('service'),
      append(8),
      { do: 'spoil', who: 0 },
      { do: 'sync', who: 0 },
      look,
      work(80),
      append(4),
      { do: 'lose', who: 0 },
      append(5),
      start('service'),
      append(7, 1),
      work(30),
      { do: 'kill', who: 1 },
      start('service', 0, true),
      start('service', 1),
      append(4, 2),
      work(100),
      look,
      { do: 'exit', who: 2 },
      start('host', 1),
      append(3),
      work(60),
      { do: 'stop', who: 0 },
      look,
    ],
    // They open the roads to writing anew what was not synced, and to giving up a file that is put back and a temporary one.
    faults: [
      faultAt('journal/segment', 'fdatasync', 1),
      faultAt('journal/segment', 'writeSync', 0, 'EIO', 1),
      faultAt('journal/atomic-file', 'rename', 2),
    ],
  },
  {
    ...COMMON,
    mode: 'left',
    exporters: 2,
    rejectEvery: 5,
    calls: ['well', 'short'],
    write: 'async',
    steps: [
      start('service'),
      append(9),
      start('host'),
      work(150),
      look,
      { do: 'jump', ms: 31_000 },
      append(6),
      work(150),
      start('service', 1),
      // There is nothing to be read yet.
      work(60),
      append(5, 1),
      { do: 'kill', who: 1 },
      work(120),
      { do: 'kill', who: 1 },
      start('host', 1),
      work(80),
      look,
      start('service'),
      append(2),
      { do: 'stop', who: 0 },
      start('service'),
      // A service that leaves delivery to others looks at the cursors every second.
      { do: 'wait' },
    ],
    faults: [faultAt('journal/segment', 'fdatasync', 0)],
  },
  {
    ...COMMON,
    mode: 'kept',
    exporters: 1,
    rejectEvery: 0,
    calls: [],
    write: 'tick',
    steps: [
      start('service'),
      append(12),
      work(150),
      // It dies of this while it compresses.
      { do: 'jump', ms: 310_000 },
      work(120),
      start('service'),
      append(9),
      work(150),
      { do: 'jump', ms: 310_000 },
      work(120),
      start('service'),
      append(6, 1),
      work(60),
      { do: 'kill', who: 1 },
      look,
      work(120),
      { do: 'jump', ms: 310_000 },
      work(100),
      { do: 'jump', ms: 310_000 },
      work(100),
      { do: 'jump', ms: 200_000_000 },
      work(120),
      look,
    ],
    faults: [faultAt('journal/compression', 'utimes', 0, 'crash'), faultAt('journal/compression', 'rename', 0)],
  },
  {
    ...COMMON,
    mode: 'own',
    exporters: 1,
    rejectEvery: 0,
    calls: Array(8).fill('down'),
    write: 'tick',
    steps: [
      start('service'),
      append(6),
      { do: 'freeze', who: 0 },
      // Where the sign of life is all that is known of the one that is paused.
      start('service', 1),
      { do: 'jump', ms: LEASE_MS },
      // It is taken over, but cannot be delivered, until the paused one has said that it lives.
      { do: 'wait' },
      { do: 'thaw' },
      { do: 'jump', ms: 31_000 },
      // Its stream goes back to it.
      work(100),
      look,
    ],
    faults: [],
  },
  {
    ...COMMON,
    mode: 'own',
    exporters: 1,
    rejectEvery: 0,
    calls: [],
    write: 'tick',
    steps: [start('service'), append(3), start('service'), work(80), { do: 'stop', who: 0 }, work(80), look],
    // What is left of the stream that was removed, the other one clears away.
    faults: [faultAt('journal/stream-directory', 'rm', 0)],
  },
];
