import { after, before, describe, it } from 'node:test';
import { assertProven, proveKills, seededRandom } from '../support/kill-proof.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';

describe('a service that is killed again and again', { timeout: 400_000 }, () => {
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.stop());

  it('has each answered request in Postgres exactly once, but for those of the ticks it was killed in', async () => {
    assertProven(await proveKills(postgres, { requests: 1500, restarts: 3, random: seededRandom(6) }), 3);
  });
});
