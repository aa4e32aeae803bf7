import { after, before, describe, it } from 'node:test';
import { fillDisk, proveOutage } from '../support/outage-proof.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';

describe('nothing is lost and nothing is twice', { timeout: 400_000 }, () => {
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.stop());

  it('when the disk of the database is full', async () => {
    await proveOutage(postgres, (world) => fillDisk(100, world));
  });
});
