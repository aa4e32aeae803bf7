import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { JsonObject } from '../../src/record.js';
import { startOrmService } from '../support/orm-suite.js';
import { query, startPostgres, type TestPostgres } from '../support/postgres.js';
import { ITEMS_SQL, SEED_SQL } from '../support/row-changes.js';
import { complaintsOf, type Service, type ServiceFolder } from '../support/service.js';
import { until } from '../support/waiting.js';

interface Expected {
  readonly name: string;
  /** Whether a saved entity is seen before and after. */
  readonly seesBefore: boolean;
  readonly bulk: JsonObject;
}

// What each says of itself in its README section: no more, and no less.
const ADAPTERS: readonly Expected[] = [
  { name: 'typeorm', seesBefore: true, bulk: { operation: 'update', complete: false } },
  { name: 'sequelize', seesBefore: true, bulk: { operation: 'update', complete: false, filter: { id: { between: [3, 12] } } } },
  {
    name: 'prisma',
    seesBefore: false,
    bulk: { operation: 'update', complete: false, count: 10, filter: { id: { gte: 3, lte: 12 } } },
  },
  { name: 'drizzle', seesBefore: false, bulk: { operation: 'update', complete: false, count: 10 } },
  { name: 'mongoose', seesBefore: true, bulk: { operation: 'update', complete: false, count: 7, filter: { qty: { $gt: 1 } } } },
];

for (const { name, seesBefore, bulk } of ADAPTERS) {
  describe(`the adapter for ${name}`, { timeout: 600_000 }, () => {
    let postgres: TestPostgres;
    let folder: ServiceFolder;
    let service: Service;
    const seenIn = async (operation: string): Promise<readonly JsonObject[]> => {
      const response = await fetch(`${service.url}/${operation}`);
      assert.equal(response.status, 200, service.stderr());
      const found = () => folder.records().find(({ request }) => request?.path === `/${operation}`);
      await until(`${operation} is recorded`, () => found() !== undefined, 30_000);
      return found()?.changes ?? [];
    };
    before(async () => {
      postgres = await startPostgres();
      await query(postgres.url, `${ITEMS_SQL}; ${SEED_SQL}`);
      ({ folder, service } = await startOrmService({ name, url: postgres.url, env: { TRACK: '1' } }));
    });
    after(async () => {
      await service?.end();
      folder?.remove();
      await postgres?.stop();
    });

    it('tells what is saved, whole where the ORM knows it', async () => {
      const [inserted, updated] = await seenIn('save');
      if (name === 'drizzle') {
        assert.match(String(inserted?.['statement']), /^insert into "items"/);
        assert.equal(JSON.stringify([inserted, updated]).includes('Neill'), false, 'parameters are values');
        return;
      }
      assert.deepEqual([inserted?.['operation'], String(inserted?.['id']), inserted?.['complete']], ['insert', '100', true]);
      assert.equal(updated?.['complete'], seesBefore);
      assert.equal((updated?.['before'] as JsonObject | undefined)?.['status'], seesBefore ? 'new' : undefined);
      assert.match(JSON.stringify(updated?.['after']), /O'Neill|saved/);
    });

    it('tells of a bulk update which rows and how many, as far as it knows, and that this is not all', async () => {
      const [update, ...more] = await seenIn('bulk');
      assert.deepEqual(more, []);
      for (const [member, value] of Object.entries(bulk)) assert.deepEqual(update?.[member], value, member);
    });

    it('tells what a transaction has committed, without what its savepoint undid', async () => {
      const changes = await seenIn('savepoint');
      assert.equal(changes.length, name === 'mongoose' ? 1 : 2);
    });

    it('tells nothing of what is rolled back', async () => {
      assert.deepEqual(await seenIn('rollback'), []);
    });

    if (name === 'mongoose') {
      it('tells documents of many, where there are any, and what was loaded in part as such', async () => {
        const changes = await seenIn('many');
        assert.deepEqual(
          changes.map(({ operation, id, complete }) => [operation, id, complete]),
          [
            ['insert', '301', true],
            ['insert', '302', true],
            ['update', '303', false],
          ],
        );
      });
    } else {
      it('tells the text of raw SQL', async () => {
        const changes = await seenIn('raw');
        assert.match(String(changes[0]?.['statement']), /UPDATE items SET note/);
      });
    }

    it('leaves nothing to complain about', () => {
      assert.equal(complaintsOf(service), '');
    });
  });
}
