import { test } from 'node:test';
import fc from 'fast-check';
import { deliveryScenarios, playDelivery } from '../support/delivery-world.js';

test('2,000 worlds of failing sinks, disks and processes: each record is stored or a dead letter, and the counters balance', async () => {
  await fc.assert(fc.asyncProperty(deliveryScenarios, playDelivery), { numRuns: 2000 });
});
