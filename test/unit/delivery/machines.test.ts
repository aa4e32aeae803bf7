import { test } from 'node:test';
import { playRandomWorlds } from '../../support/machine/plan.js';

test('whatever processes, disks, clocks and sinks do: what was written is in every sink or a dead letter, and every look is balanced', async () => {
  await playRandomWorlds(15, undefined);
});
