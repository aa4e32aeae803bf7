import { after, before, describe, it } from 'node:test';
import { cutOften, failOver, proveOutage } from '../support/outage-proof.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';

describe('nothing is lost and nothing is twice', { timeout: 400_000 }, () => {
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.stop());

  const disturbances = {
    'the server fails over to another port': failOver,
    'connections are cut in the middle of batches': (world) => cutOften(10, world),
  } satisfies Record<string, Parameters<typeof proveOutage>[1]>;
  for (const [what, disturb] of Object.entries(disturbances)) {
    it(`when ${what}`, async () => {
      await proveOutage(postgres, disturb);
    });
  }
});
