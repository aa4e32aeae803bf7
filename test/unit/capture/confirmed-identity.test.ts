import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { auditThisProcess, listen, send } from '../../support/audited-server.js';
import { createHeldSink } from '../../support/held-sink.js';
import { startKeyServer } from '../../support/key-server.js';
import { makeKey, rs256, secondsFromNow } from '../../support/tokens.js';

test('a confirmed response does not wait for a key set that is still to be fetched', async (t) => {
  const key = makeKey('current');
  const keys = await startKeyServer([key]);
  const answer = keys.hold();
  const sink = createHeldSink();
  auditThisProcess(
    { FILE_DIR: '/nonexistent', EXPORTER: ['file'], DELIVERY: 'confirmed', JWT_JWKS_URL: keys.url },
    { createSink: sink.createSink },
  );
  let recordedAtEnd: number | undefined;
  const server = await listen(
    http.createServer((request, response) => {
      response.end('ok');
      if (request.headers.authorization !== undefined) recordedAtEnd = sink.records.length;
    }),
  );
  t.after(async () => {
    answer();
    await server.close();
    await keys.close();
  });
  sink.always(true);
  const token = rs256(key, { sub: 'ada', exp: secondsFromNow(60) });
  await send(`${server.url}/orders`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(recordedAtEnd, 1);
  assert.deepEqual([sink.records[0]?.actor.id, sink.records[0]?.actor.verified], ['ada', false]);
});
