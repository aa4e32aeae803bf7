import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { WORKER_MARKER } from '../../src/delivery/worker-marker.js';
import { allDisturbances } from '../support/machine/plan.js';
import type { ThreadPlan, ThreadReport } from '../support/machine/thread.js';
import { ROOT } from '../support/service.js';

const RUNS = Number(process.env['AUDIT_TEST_RUNS'] ?? 2000);
const SEED = process.env['AUDIT_TEST_SEED'];

/** The delivery worker writes its cursors synchronously, and whoever delivers on the main thread does not. */
const SYNC_CURSORS = /^delivery\/cursor\.js:\d+ \w+Sync /;
const ASYNC_CURSORS = /^delivery\/cursor\.js:\d+ (?:writeFile|rename) /;

test(`every call of journal and delivery to the file system fails, comes short, is late and is the last, and in ${RUNS} worlds more some are`, async (t) => {
  const all = allDisturbances();
  const asWorker = all.filter((one, nth) => SYNC_CURSORS.test(one) || (nth % 2 === 1 && !ASYNC_CURSORS.test(one)));
  const asMain = all.filter((one) => !asWorker.includes(one));
  const runs = Math.ceil(RUNS / 2);
  const seed = SEED === undefined ? undefined : Number(SEED);
  const reports = await Promise.all([
    run({ wanted: asMain, runs, seed }, {}),
    run({ wanted: asWorker, runs, seed: seed && seed + 1 }, { [WORKER_MARKER]: '1' }),
  ]);
  const happened = new Set(reports.flatMap((report) => report.happened));
  const worlds = reports.reduce((total, report) => total + report.worlds, 0);
  t.diagnostic(`${worlds} worlds, ${happened.size} of ${all.length} disturbances`);
  assert.deepEqual(
    all.filter((one) => !happened.has(one)),
    [],
    'these never happened',
  );
});

async function run(plan: ThreadPlan, env: Readonly<Record<string, string>>): Promise<ThreadReport> {
  const worker = new Worker(join(ROOT, 'dist/test/support/machine/thread.js'), { workerData: plan, env: { ...process.env, ...env } });
  const [report] = (await once(worker, 'message')) as [ThreadReport];
  await worker.terminate();
  return report;
}
