/** Plays seeded scenarios against the same service with and without the preload: all that can be seen must be equal. */

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { type Observation, play } from './differential-client.js';
import { createStreamScenario, playStreams, type StreamScenario } from './differential-http2.js';
import { createScenario, type Protocol, type Scenario } from './differential-plan.js';
import { isSameHeld } from './held-observation.js';
import { createServiceFolder, ROOT, type Service, type ServiceFolder } from './service.js';

const SEED = Number(process.env['AUDIT_TEST_SEED'] ?? 1);
const SIZES = [0, 1, 17, 1000, 9_999, 10_001, 70_000, 1_000_000];
const LARGE = [20_000_000];
/** One in so many has a body of 20 MB. */
const LARGE_EVERY = 150;
/** Where a race decides, either outcome may come; both services must know it within so many plays. */
const PLAYS = 20;
/** Connections at a time: most of the time goes in waiting for those that stay open. */
const LANES = 8;
const ENTRY = path.join(ROOT, 'dist/test/support/differential-server.js');

interface Trial {
  readonly id: number;
  readonly summary: string;
  readonly play: (service: Service) => Promise<readonly Observation[]>;
}

interface Difference {
  readonly plain: readonly Observation[];
  readonly audited: readonly Observation[];
}

/** What the parser does within the packet that brought the request comes before a handler that waits, and after one that does not. */
const isDecidedByPacket = ({ summary }: Scenario): boolean =>
  !summary.includes('{') || (summary.includes(' | ') && summary.includes('"throw"'));

/**
 * Behind a request that nobody answers, Node stops reading once the answers that wait for it are too long. A handler that waits for its
 * start record has not written its own by the time the next request of the same packet is taken.
 */
const isStoppedByAnswers = ({ summary }: Scenario): boolean =>
  /"fault":"(?:reject|silent)"[^|]* \| [^|]*\b(?:20|100)000\b[^|]* \| /.test(summary);

/**
 * An answer without a body ends with the first piece of what its handler echoes. A handler that waits for its start record finds all that
 * has come meanwhile.
 */
const isCutEcho = ({ summary }: StreamScenario): boolean => /"consume":"echo","status":(?:204|304)/.test(summary);

/**
 * Of a stream that its handler breaks at once, Node sends the end before what was written, unless another stream has it send meanwhile.
 * A handler that waits for its start record is called when others are not.
 */
const isBrokenBesideOthers = ({ streams }: StreamScenario): boolean =>
  streams.length > 1 && streams.some(({ plan }) => plan.fault === 'destroy' || plan.fault === 'write-after-end');

type Delivery = 'async' | 'confirmed' | 'strict';

export function describeDifferential(protocol: Protocol, scenarios: number, delivery: Delivery = 'async'): void {
  const isSame = delivery === 'async' ? isDeepStrictEqual : isSameHeld;
  describe(`a service with the preload and ${delivery} delivery, over ${protocol}`, () => {
    let folder: ServiceFolder;
    let plain: Service;
    let audited: Service;
    before(async () => {
      folder = createServiceFolder({});
      const env = { AUDIT_TEST_PROTOCOL: protocol };
      plain = await folder.start({ entry: ENTRY, preload: [], env });
      const auditing = { AUDIT_DELIVERY: delivery, AUDIT_FILE_DIR: 'audit-log', AUDIT_CONFIRM_TIMEOUT_MS: '20000' };
      audited = await folder.start({ entry: ENTRY, env: { ...env, ...auditing } });
      // Each lane waits for the reports of its streams.
      for (const service of [plain, audited]) service.process.setMaxListeners(0);
    });
    after(async () => {
      await plain?.end('SIGKILL');
      await audited?.end();
      folder?.remove();
    });

    it(`answers ${scenarios} seeded connections (seed ${SEED}) byte by byte and event by event as without it`, async () => {
      let next = 0;
      let found: ({ readonly trial: Trial } & Difference) | undefined;
      const lane = async (): Promise<void> => {
        for (let id = next++; id < scenarios && found === undefined; id = next++) {
          const trial = trialOf(protocol, id, delivery);
          if (trial === undefined) continue;
          const difference = await differenceOf(trial);
          if (difference !== undefined) found = { trial, ...difference };
        }
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      assert.deepEqual(found?.audited, found?.plain, `scenario ${found?.trial.id}: ${found?.trial.summary}`);
    });

    async function differenceOf(trial: Trial): Promise<Difference | undefined> {
      const plains: (readonly Observation[])[] = [];
      const auditeds: (readonly Observation[])[] = [];
      for (let attempt = 0; attempt < PLAYS; attempt += 1) {
        const [one, other] = await Promise.all([trial.play(plain), trial.play(audited)]);
        plains.push(one);
        auditeds.push(other);
        if (plains.some((left) => auditeds.some((right) => isSame(left, right)))) return undefined;
      }
      return { plain: plains[0] ?? [], audited: auditeds[0] ?? [] };
    }
  });
}

function trialOf(protocol: Protocol, id: number, delivery: Delivery): Trial | undefined {
  const sizes = id % LARGE_EVERY === 1 ? LARGE : SIZES;
  if (protocol === 'h2' || protocol === 'h2c') {
    const scenario = createStreamScenario(SEED, id, sizes);
    if (delivery === 'strict' && (isCutEcho(scenario) || isBrokenBesideOthers(scenario))) return undefined;
    return { id, summary: scenario.summary, play: (service) => playStreams(service, protocol, scenario) };
  }
  const scenario = createScenario(SEED, id, sizes);
  if (delivery === 'strict' && (isDecidedByPacket(scenario) || isStoppedByAnswers(scenario))) return undefined;
  return { id, summary: scenario.summary, play: async (service) => [await play(service, protocol, scenario)] };
}
