import { after, before, describe, it } from 'node:test';
import { assertProven, proveKills, seededRandom } from '../support/kill-proof.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';

describe('50,000 requests', { timeout: 1_800_000 }, () => {
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.stop());

  for (const [delivery, but] of [
    ['async', ', but for those of the ticks'],
    ['confirmed', ''],
  ] as const) {
    it(`are each in Postgres exactly once after kill -9 at random times over 20 restarts${but} (${delivery})`, async (t) => {
      const seed = Date.now() % 1_000_000;
      const proof = await proveKills(postgres, { requests: 50_000, restarts: 20, random: seededRandom(seed), delivery });
      t.diagnostic(`seed ${seed}: ${JSON.stringify(proof)}`);
      assertProven(proof, 20);
    });
  }
});
