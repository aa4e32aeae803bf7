import { after, before, describe, it } from 'node:test';
import { cutOften, failOver, fillDisk, loseAnswers, proveOutage, stopFor } from '../support/outage-proof.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';

describe('nothing is lost and nothing is twice', { timeout: 400_000 }, () => {
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.stop());

  const disturbances = {
    'the server is stopped and started': (world) => stopFor(1, world),
    'the server fails over to another port': failOver,
    'connections are cut in the middle of batches': (world) => cutOften(10, world),
    'the server commits and its answer is lost': (world) => loseAnswers(3, world),
    'the disk of the database is full': (world) => fillDisk(100, world),
  } satisfies Record<string, Parameters<typeof proveOutage>[1]>;
  for (const [what, disturb] of Object.entries(disturbances)) {
    it(`when ${what}`, async () => {
      await proveOutage(postgres, disturb);
    });
  }
});
