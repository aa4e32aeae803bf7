/** Sends one long request through a service that echoes it, and watches the service's memory meanwhile. */

import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import { createServiceFolder, type Service, type ServiceFolder } from './service.js';
import { until } from './waiting.js';

const ECHO = `
const server = require('node:http').createServer((request, response) => {
  response.writeHead(200, { 'content-type': request.headers['content-type'] });
  request.pipe(response);
});
server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));
process.on('message', () => {
  globalThis.gc();
  // The memory of buffers is swept beside a collection, and at the latest before the next.
  setImmediate(() => {
    globalThis.gc();
    process.send(process.memoryUsage());
  });
});`;

const MB = 1_000_000;
const CHUNK = Buffer.alloc(64 * 1024, 'streamed öß ');
const SAMPLES = 16;
/** A quarter of the way: buffers, parsers and compiled code are there by then. */
const WARM_SAMPLES = 4;
const MAX_DRIFT_MB = 5;

export function describeStreaming(megabytes: number): void {
  describe(`${megabytes} MB through one request`, () => {
    let folder: ServiceFolder;
    let service: Service;
    before(async () => {
      folder = createServiceFolder({ 'server.js': ECHO });
      const preload = ['--expose-gc', '--require', 'otel-audit/register'];
      service = await folder.start({ entry: 'server.js', preload, env: { AUDIT_HASH_KEY: 'a key for the tests' } });
    });
    after(async () => {
      if (service?.process.exitCode === null) await service.end();
      folder?.remove();
    });

    for (const type of ['text/plain', 'application/octet-stream', 'multipart/form-data; boundary=X']) {
      it(`leave the memory flat and are counted to the byte, as ${type}`, async (test) => {
        const id = type.replace(/\W+/g, '-');
        const { samples, sent } = await stream(service, megabytes * MB, { 'content-type': type, 'x-request-id': id });
        const drifts = (of: (sample: NodeJS.MemoryUsage) => number) =>
          samples.slice(WARM_SAMPLES + 1).map((sample) => (of(sample) - of(samples[WARM_SAMPLES] ?? sample)) / MB);
        const held = drifts(({ heapUsed, external }) => heapUsed + external);
        test.diagnostic(
          `held: ${held.map(shown).join(' ')}; resident: ${drifts(({ rss }) => rss)
            .map(shown)
            .join(' ')} MB`,
        );
        assert.ok(
          held.every((drift) => Math.abs(drift) <= MAX_DRIFT_MB),
          held.map(shown).join(' '),
        );
        const recordOf = () => folder.records().find(({ request }) => request?.id === id);
        await until('there is a record', () => recordOf() !== undefined);
        assert.deepEqual([recordOf()?.request?.bodySize, recordOf()?.response?.bodySize], [sent, sent]);
      });
    }
  });
}

interface Streamed {
  /** At equal distances, when all that was sent has come back. */
  readonly samples: readonly NodeJS.MemoryUsage[];
  readonly sent: number;
}

async function stream(service: Service, bytes: number, headers: http.OutgoingHttpHeaders): Promise<Streamed> {
  const request = http.request(service.url, { method: 'POST', headers, agent: false });
  request.write(CHUNK);
  let sent = CHUNK.length;
  let received = 0;
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const arrived = new EventEmitter();
  response.on('data', (chunk: Buffer) => {
    received += chunk.length;
    if (received === sent) arrived.emit('all');
  });
  const samples: NodeJS.MemoryUsage[] = [];
  while (sent < bytes) {
    if (!request.write(CHUNK)) await once(request, 'drain');
    sent += CHUNK.length;
    if (sent < ((samples.length + 1) * bytes) / SAMPLES) continue;
    if (received < sent) await once(arrived, 'all');
    samples.push(await memoryOf(service));
  }
  request.end();
  await once(response, 'end');
  assert.equal(received, sent);
  return { samples, sent };
}

async function memoryOf(service: Service): Promise<NodeJS.MemoryUsage> {
  const answer = once(service.process, 'message');
  service.process.send('how much');
  const [memory] = (await answer) as [NodeJS.MemoryUsage];
  return memory;
}

function shown(megabytes: number): string {
  return megabytes.toFixed(1);
}
