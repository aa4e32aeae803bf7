import { test } from 'node:test';
import fc from 'fast-check';
import { deliveryScenarios, playDelivery } from '../support/delivery-world.js';

const RUNS = Number(process.env['AUDIT_TEST_RUNS'] ?? 2000);
const SEED = process.env['AUDIT_TEST_SEED'];

test(`in ${RUNS} worlds of failing sinks, disks and processes each record is stored or a dead letter, and the counters balance`, async () => {
  const seed = SEED === undefined ? {} : { seed: Number(SEED) };
  await fc.assert(fc.asyncProperty(deliveryScenarios, playDelivery), { numRuns: RUNS, ...seed });
});
