import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { type Observation, play } from '../support/differential-client.js';
import { createScenario, type Scenario } from '../support/differential-plan.js';
import { isSameHeld } from '../support/held-observation.js';
import { createServiceFolder, ROOT, type Service, type ServiceFolder } from '../support/service.js';

const SEED = Number(process.env['AUDIT_TEST_SEED'] ?? 1);
/** 10,000 in the long run. */
const SCENARIOS = Number(process.env['AUDIT_TEST_SCENARIOS'] ?? 300);
const SIZES = [0, 1, 17, 1000, 9_999, 10_001, 70_000, 1_000_000];
const LARGE = [20_000_000];
/** One in so many has a body of 20 MB. */
const LARGE_EVERY = 150;
/** Where a race decides, either outcome may come; both services must know it within so many plays. */
const PLAYS = 20;
/** Connections at a time: most of the time goes in waiting for those that stay open. */
const LANES = 8;
/** What the parser does within the packet that brought the request comes before a handler that waits, and after one that does not. */
const isDecidedByPacket = ({ summary }: Scenario): boolean =>
  !summary.includes('{') || (summary.includes(' | ') && summary.includes('"throw"'));
const ENTRY = path.join(ROOT, 'dist/test/support/differential-server.js');

for (const delivery of ['async', 'confirmed', 'strict'])
  describe(`a service with the preload and ${delivery} delivery`, () => {
    let folder: ServiceFolder;
    let plain: Service;
    let audited: Service;
    before(async () => {
      folder = createServiceFolder({});
      plain = await folder.start({ entry: ENTRY, preload: [] });
      const env = { AUDIT_DELIVERY: delivery, AUDIT_FILE_DIR: 'audit-log', AUDIT_CONFIRM_TIMEOUT_MS: '20000' };
      audited = await folder.start({ entry: ENTRY, env });
    });
    after(async () => {
      await plain?.end('SIGKILL');
      await audited?.end();
      folder?.remove();
    });

    it(`answers ${SCENARIOS} seeded connections (seed ${SEED}) byte by byte and event by event as without it`, async () => {
      let next = 0;
      let found: { scenario: Scenario; plain: Observation; audited: Observation } | undefined;
      const lane = async (): Promise<void> => {
        for (let id = next++; id < SCENARIOS && found === undefined; id = next++) {
          const scenario = createScenario(SEED, id, id % LARGE_EVERY === 1 ? LARGE : SIZES);
          if (delivery === 'strict' && isDecidedByPacket(scenario)) continue;
          const difference = await differenceOf(scenario);
          if (difference !== undefined) found = { scenario, ...difference };
        }
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      assert.deepEqual(found?.audited, found?.plain, `scenario ${found?.scenario.id}: ${found?.scenario.summary}`);
    });

    const isSame = delivery === 'async' ? isDeepStrictEqual : isSameHeld;
    async function differenceOf(scenario: Scenario): Promise<{ plain: Observation; audited: Observation } | undefined> {
      const plains: Observation[] = [];
      const auditeds: Observation[] = [];
      for (let attempt = 0; attempt < PLAYS; attempt += 1) {
        const [one, other] = await Promise.all([play(plain, scenario), play(audited, scenario)]);
        plains.push(one);
        auditeds.push(other);
        if (plains.some((left) => auditeds.some((right) => isSame(left, right)))) return undefined;
      }
      return { plain: plains[0] as Observation, audited: auditeds[0] as Observation };
    }
  });
