import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { emptySchema } from '../support/audit-schema.js';
import { costOf, load, MEASURED_SERVER } from '../support/load-service.js';
import { median } from '../support/median.js';
import { query, startPostgres, type TestPostgres } from '../support/postgres.js';
import { createServiceFolder } from '../support/service.js';
import { until } from '../support/waiting.js';

const DOWN_SECONDS = Number(process.env.AUDIT_TEST_LOAD_SECONDS ?? 300);
const PART_SECONDS = 10;

describe('at full load', { timeout: 1_800_000 }, () => {
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.stop());

  it('an exporter that is down for 5 minutes costs neither memory nor time, and nothing is lost', async (t) => {
    const url = await emptySchema(postgres.url);
    const folder = createServiceFolder({ 'server.js': MEASURED_SERVER });
    t.after(() => folder.remove());
    const env = {
      AUDIT_POSTGRES_URL: url,
      AUDIT_JOURNAL_DIR: 'journal',
      AUDIT_JOURNAL_MAX_BYTES: String(4 * 1024 ** 3),
      AUDIT_EXCLUDE_PATHS: '/cost',
      AUDIT_HEARTBEAT_MS: '0',
    };
    const service = await folder.start({ entry: 'server.js', env, isGuarded: false });
    t.after(() => service.end('SIGKILL'));
    await load(service.url, 'warm', PART_SECONDS, PART_SECONDS);
    const up = await load(service.url, 'up', Math.min(60, DOWN_SECONDS), PART_SECONDS);
    await postgres.stopServer();
    const down = await load(service.url, 'down', DOWN_SECONDS, PART_SECONDS);
    const last = down.costs.at(-1);
    await postgres.startServer();
    const p99 = { up: median(up.costs.map(({ p99Ms }) => p99Ms)), down: median(down.costs.map(({ p99Ms }) => p99Ms)) };
    const rss = { up: median(up.costs.map(({ rssMb }) => rssMb)), down: down.costs.map(({ rssMb }) => Math.round(rssMb)) };
    t.diagnostic(
      JSON.stringify({
        p99,
        rss,
        requests: { up: up.answered, down: down.answered },
        waiting: last?.health.exporters['postgres']?.undelivered,
      }),
    );
    assert.deepEqual(last?.health.capture.dropped, {});
    // The second half of the outage needs no more memory than the first.
    const half = rss.down.length >> 1;
    const [first, second] = [Math.max(...rss.down.slice(0, half)), Math.max(...rss.down.slice(half))];
    assert.ok(second <= first + 32, `memory grew from ${first} to ${second} MB`);
    assert.ok(p99.down <= p99.up * 1.5 + 2, `p99 of the event loop went from ${p99.up} to ${p99.down} ms`);
    const rows = async () => Number((await query(url, "SELECT count(*) AS n FROM audit_logs WHERE kind = 'http'"))[0]?.n);
    // But for the record of its start.
    const answered = (await costOf(service.url)).health.capture.journalled - 1;
    await until('all is there', async () => (await rows()) >= answered, 600_000);
    assert.equal(await rows(), answered);
  });
});
