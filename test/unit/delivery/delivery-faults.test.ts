import { test } from 'node:test';
import fc from 'fast-check';
import { type DeliveryScenario, deliveryScenarios, playDelivery } from '../../support/delivery-world.js';

test('whatever the sink, the disk and the end of the process do: each record is stored or a dead letter, and the counters balance', async () => {
  await fc.assert(fc.asyncProperty(deliveryScenarios, playDelivery), { numRuns: 20 });
});

const calm: DeliveryScenario = { records: 12, count: 4, rejected: [5], poison: [], calls: [], kills: [], faults: [] };
for (const fault of ['EIO', 'ENOSPC', 'short', 'late'] as const) {
  test(`every file operation of a delivery may meet ${fault}`, async () => {
    for (let operation = 0; operation < 40; operation += 1) await playDelivery({ ...calm, faults: [[operation, fault]] });
  });
}

test('a process may be killed at every file operation', async () => {
  for (let operation = 0; operation < 40; operation += 1) await playDelivery({ ...calm, kills: [operation] });
});
