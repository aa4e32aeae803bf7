/** What may happen in a world: which processes there are, what they and others do to them, and what fails. */

import fc from 'fast-check';
import type { IoFault } from './fate.js';

export type Step =
  /** `host`: delivers for all (`otel-audit deliver`). `reusesPid`: has the process id of one that is dead. */
  | { readonly do: 'start'; readonly kind: 'service' | 'host'; readonly on: number; readonly reusesPid: boolean }
  | { readonly do: 'append'; readonly who: number; readonly count: number }
  /** `exit`: the process ends by itself, as it stands. */
  | { readonly do: 'sync' | 'kill' | 'stop' | 'exit' | 'freeze'; readonly who: number }
  /** Somebody deletes the segment that is being written. */
  | { readonly do: 'lose'; readonly who: number }
  /** A byte of a written line goes bad. */
  | { readonly do: 'spoil'; readonly who: number }
  /** `wait`: longer than whoever leaves delivery to others waits to look how it goes. */
  | { readonly do: 'thaw' | 'look' | 'cut' | 'wait' }
  | { readonly do: 'jump'; readonly ms: number }
  /** Lets so many calls to the file system happen, if so many do. */
  | { readonly do: 'work'; readonly operations: number };

export interface WorldScenario {
  /** `left`: the services leave delivery to others. `kept`: the journal is the trail, compressed and cleared. */
  readonly mode: 'own' | 'left' | 'kept';
  readonly exporters: 1 | 2;
  readonly count: number;
  /** Every so manieth record is refused for good; 0: none. */
  readonly rejectEvery: number;
  /** What the first calls of exporters do; `lost`: they store the records and fail all the same. */
  readonly calls: readonly ('down' | 'lost' | 'short' | 'well')[];
  readonly write: 'tick' | 'async';
  readonly steps: readonly Step[];
  readonly faults: readonly IoFault[];
  /** From 0 to 1, for what a power cut leaves. */
  readonly luck: readonly number[];
}

/** Longer than a lease lives without a sign of its owner. */
export const LEASE_MS = 130_000;
/** Longer than anything is kept. */
export const ABANDONED_MS = 200_000_000;

const who = fc.nat(4);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('append' as const), who, count: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('work' as const), operations: fc.nat(120) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('start' as const),
      kind: fc.constantFrom('service' as const, 'service' as const, 'host' as const),
      on: fc.constantFrom(0, 0, 1),
      reusesPid: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('sync' as const, 'kill' as const, 'stop' as const, 'exit' as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('freeze' as const, 'lose' as const, 'spoil' as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('thaw' as const, 'look' as const, 'look' as const, 'cut' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('jump' as const), ms: fc.constantFrom(31_000, LEASE_MS, 310_000, ABANDONED_MS) }) },
);

export function worldScenarios(faults: fc.Arbitrary<IoFault>): fc.Arbitrary<WorldScenario> {
  const first: Step = { do: 'start', kind: 'service', on: 0, reusesPid: false };
  return fc.record({
    mode: fc.constantFrom('own' as const, 'own' as const, 'left' as const, 'kept' as const),
    exporters: fc.constantFrom(1 as const, 2 as const),
    count: fc.integer({ min: 1, max: 6 }),
    rejectEvery: fc.constantFrom(0, 0, 3, 7),
    calls: fc.array(fc.constantFrom('down' as const, 'lost' as const, 'short' as const, 'well' as const), { maxLength: 6 }),
    write: fc.constantFrom('tick' as const, 'tick' as const, 'async' as const),
    steps: fc.array(step, { minLength: 2, maxLength: 14 }).map((steps) => [first, ...steps]),
    faults: fc.array(faults, { maxLength: 6 }),
    luck: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 6 }),
  });
}
