/** Three services take turns at full load: one whose database is down, one whose database is up, and one without the preload. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { emptySchema } from '../support/audit-schema.js';
import { costOf, type LoadPart, load, MEASURED_SERVER } from '../support/load-service.js';
import { median } from '../support/median.js';
import { query, startPostgres, type TestPostgres } from '../support/postgres.js';
import { createServiceFolder, type ServiceFolder } from '../support/service.js';
import { until } from '../support/waiting.js';

/** Of load on the service whose database is down; the others get a third and a sixth of it. */
const DOWN_SECONDS = Number(process.env.AUDIT_TEST_LOAD_SECONDS ?? 300);
const ROUNDS = 10;

describe('at full load', { timeout: 3_600_000 }, () => {
  let lost: TestPostgres;
  let well: TestPostgres;
  let folder: ServiceFolder;
  before(async () => {
    [lost, well] = await Promise.all([startPostgres(), startPostgres()]);
    folder = createServiceFolder({ 'server.js': MEASURED_SERVER });
  });
  after(async () => {
    folder.remove();
    await Promise.all([lost.stop(), well.stop()]);
  });

  it('an exporter that is down for 5 minutes costs neither memory nor time, and nothing is lost', async (t) => {
    const start = async (name: string, url: string) => {
      const env = {
        AUDIT_POSTGRES_URL: url,
        AUDIT_JOURNAL_DIR: `journal-${name}`,
        AUDIT_JOURNAL_MAX_BYTES: String(8 * 1024 ** 3),
        AUDIT_EXCLUDE_PATHS: '/cost',
        AUDIT_HEARTBEAT_MS: '0',
      };
      const service = await folder.start({ entry: 'server.js', env, isGuarded: false });
      t.after(() => service.end('SIGKILL'));
      return service.url;
    };
    const lostUrl = await emptySchema(lost.url);
    const down = await start('down', lostUrl);
    const up = await start('up', await emptySchema(well.url));
    const bare = await folder.start({ entry: 'server.js', preload: [], isGuarded: false });
    t.after(() => bare.end('SIGKILL'));
    const undelivered = async (url: string) => (await costOf(url)).health?.exporters['postgres']?.undelivered;
    const allDelivered = (url: string) => until('all is delivered', async () => (await undelivered(url)) === 0, 1_200_000);

    for (const url of [down, up, bare.url]) await load(url, 5);
    await allDelivered(down);
    await lost.stopServer();
    const parts = { down: [] as LoadPart[], up: [] as LoadPart[], bare: [] as LoadPart[] };
    for (let round = 0; round < ROUNDS; round += 1) {
      parts.down.push(await load(down, DOWN_SECONDS / ROUNDS));
      parts.up.push(await load(up, DOWN_SECONDS / ROUNDS / 3));
      // Its worker must not be still at work while others are measured.
      await allDelivered(up);
      parts.bare.push(await load(bare.url, DOWN_SECONDS / ROUNDS / 6));
      // At once, and not at the end: a run that is cut short has said something.
      console.log(`round ${round + 1}: ${JSON.stringify(Object.fromEntries(Object.entries(parts).map(lastFigures)))}`);
    }
    const waiting = await undelivered(down);
    const p99Ms = { down: p99Of(parts.down), up: p99Of(parts.up), bare: p99Of(parts.bare) };
    const rssMb = { down: parts.down.map(rssOf), up: parts.up.map(rssOf), bare: parts.bare.map(rssOf) };
    t.diagnostic(JSON.stringify({ waiting, p99Ms, rssMb }));

    // The second half of the outage needs no more memory than the first.
    const [first, second] = [Math.max(...rssMb.down.slice(0, ROUNDS / 2)), Math.max(...rssMb.down.slice(ROUNDS / 2))];
    assert.ok(second <= first + 32, `memory grew from ${first} to ${second} MB`);
    assert.ok(p99Ms.down <= p99Ms.up * 1.25 + 1, `p99 of the event loop is ${p99Ms.down} ms instead of ${p99Ms.up}`);

    await lost.startServer();
    const startedMs = performance.now();
    await allDelivered(down);
    t.diagnostic(`${waiting} records are delivered within ${Math.round((performance.now() - startedMs) / 1000)} s`);
    const { health } = await costOf(down);
    assert.deepEqual(health?.capture.dropped, {});
    const [stored] = await query(lostUrl, 'SELECT count(*) AS rows, count(DISTINCT id) AS ids FROM audit_logs');
    assert.equal(Number(stored?.rows), health?.capture.journalled);
    assert.equal(Number(stored?.ids), health?.capture.journalled);
  });
});

function lastFigures([name, parts]: [string, readonly LoadPart[]]): [string, string] {
  const last = parts.at(-1);
  return [
    name,
    last === undefined ? '' : `${last.answered} answered, p99 ${last.p99Ms.toFixed(1)}, max ${last.maxMs.toFixed(1)} ms, ${rssOf(last)} MB`,
  ];
}

function p99Of(parts: readonly LoadPart[]): number {
  return Number(median(parts.map(({ p99Ms }) => p99Ms)).toFixed(2));
}

function rssOf({ rssMb }: LoadPart): number {
  return Math.round(rssMb);
}
