import { test } from 'node:test';
import { faultAt, playRandomWorlds } from '../../support/machine/plan.js';
import type { WorldScenario } from '../../support/machine/scenario.js';
import { playWorld } from '../../support/machine/world.js';

test('whatever processes, disks, clocks and sinks do: what was written is in every sink or a dead letter, and every look is balanced', async () => {
  await playRandomWorlds(15, undefined);
});

/** Two syncs, the second of them after new segments, and a power cut that takes every name that is not on the disk. */
const CUT: WorldScenario = {
  mode: 'own',
  exporters: 1,
  count: 3,
  rejectEvery: 0,
  calls: Array(8).fill('down'),
  write: 'tick',
  steps: [
    { do: 'start', kind: 'service', on: 0, reusesPid: false },
    { do: 'append', who: 0, count: 3 },
    { do: 'sync', who: 0 },
    { do: 'append', who: 0, count: 12 },
    { do: 'sync', who: 0 },
    { do: 'cut' },
    { do: 'start', kind: 'service', on: 0, reusesPid: false },
  ],
  faults: [],
  luck: [0, 0.2],
};

test('a power cut takes nothing of what is synced: neither its directories nor the names of its segments', async () => {
  await playWorld(CUT);
});

test('where a directory cannot be synced, no record is said to be', async () => {
  for (const nth of [0, 1, 2, 3, 4, 5]) {
    // The first there is of a file.
    for (const method of ['sync', 'open']) await playWorld({ ...CUT, faults: [faultAt('journal/atomic-file', method, nth, 'EIO', 1)] });
  }
});
