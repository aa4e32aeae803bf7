import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { it } from 'node:test';
import { send } from '../support/audited-server.js';
import { createServiceFolder, ROOT } from '../support/service.js';
import { until } from '../support/waiting.js';

it('puts the request id of the trail into the log lines of a service with pino', async (t) => {
  const folder = createServiceFolder({ 'server.js': readFileSync(path.join(ROOT, 'samples/pino/server.js'), 'utf8') }, ['pino']);
  t.after(() => folder.remove());
  const service = await folder.start({ entry: 'server.js' });
  // pino writes "…http://127.0.0.1:1234"}: the announcement is JSON here.
  const answer = await send(service.url.replace(/".*/, ''), { headers: { 'x-request-id': 'r-1' } });
  assert.equal(answer.headers['x-request-id'], 'r-1');
  const lines = () =>
    service
      .stdout()
      .split('\n')
      .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as { msg: string; requestId?: string }] : []));
  await until('the lines are there', () => lines().filter(({ requestId }) => requestId !== undefined).length === 3);
  assert.deepEqual(await service.end(), { code: 0, signal: null });
  const said = Object.fromEntries(lines().map(({ msg, requestId }) => [msg, requestId]));
  assert.deepEqual([said['request'], said['still the same request'], said['a job has an id too']], ['r-1', 'r-1', 'job-1']);
  assert.deepEqual(
    folder
      .records()
      .map(({ action, request }) => [action, request?.id])
      .sort(),
    [
      ['cache.warmed', 'job-1'],
      ['root.accessed', 'r-1'],
    ],
  );
});
