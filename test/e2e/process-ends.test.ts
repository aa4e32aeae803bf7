/** Every way in which a process ends: as it would end without the preload, and with every answered request in the trail. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';
import { send } from '../support/audited-server.js';
import { sendMany } from '../support/request-flow.js';
import { createServiceFolder, type Service, type ServiceFolder, type ServiceOptions } from '../support/service.js';
import { until } from '../support/waiting.js';

const SERVER = `
const http = require('node:http');
const own = process.env.OWN_HANDLER;
const ends = {
  exit: () => process.exit(3),
  exitInHandler: (response) => { response.end('bye'); process.exit(4); },
  exitCode: () => { process.exitCode = 5; server.close(); server.closeAllConnections(); },
  throw: () => setImmediate(() => { throw new Error('boom'); }),
  reject: () => void Promise.reject(new Error('boom')),
  abort: () => process.abort(),
  kill: () => process.kill(process.pid, 'SIGKILL'),
  oom: () => { const hoard = []; for (;;) hoard.push(new Array(100000).fill(hoard.length)); },
};
const server = http.createServer((request, response) => {
  const end = ends[request.url.slice(1)];
  if (end !== undefined) return end(response);
  request.resume().on('end', () => response.writeHead(201).end('{}'));
});
server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));
if (own !== undefined) {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => { server.close(() => process.exit(7)); server.closeAllConnections(); });
  process.on('uncaughtException', () => process.exit(8));
  process.on('unhandledRejection', () => process.exit(9));
}`;

const REQUESTS = 20;

interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

describe('the end of a process', () => {
  let folder: ServiceFolder;
  before(() => {
    folder = createServiceFolder({ 'server.cjs': SERVER });
  });
  after(() => folder.remove());

  async function endOf(service: Service, how: string): Promise<End> {
    const ended = once(service.process, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    if (how.startsWith('SIG')) service.process.kill(how as NodeJS.Signals);
    else void send(`${service.url}/${how}`).catch(() => undefined);
    const [code, signal] = await ended;
    return { code, signal };
  }

  /** Every answered request is recorded by what the process itself has left. */
  async function compare(how: string, env: Readonly<Record<string, string>>, node: readonly string[] = []): Promise<End> {
    const start = (options: Partial<ServiceOptions>) => folder.start({ entry: 'server.cjs', ...options });
    const directory = `trail-${how}-${Object.keys(env).length}`;
    // Confirmed: what was answered is in the trail, whatever the tick.
    const starting = start({
      preload: [...node, '--require', 'otel-audit/register'],
      env: { ...env, AUDIT_FILE_DIR: directory, AUDIT_DELIVERY: 'confirmed', AUDIT_CONFIRM_TIMEOUT_MS: '20000' },
    });
    const [plain, audited] = await Promise.all([start({ preload: node, env }), starting]);
    const [, ids] = await Promise.all([sendMany(plain.url, 'plain', REQUESTS), sendMany(audited.url, 'audited', REQUESTS)]);
    const [expected, actual] = await Promise.all([endOf(plain, how), endOf(audited, how)]);
    assert.deepEqual(actual, expected, audited.stderr());
    const recorded = new Set(folder.records(directory).map(({ request }) => request?.id));
    assert.deepEqual(
      ids.filter((id) => !recorded.has(id)),
      [],
    );
    return expected;
  }

  const cases: readonly [string, End][] = [
    ['SIGTERM', { code: null, signal: 'SIGTERM' }],
    ['SIGINT', { code: null, signal: 'SIGINT' }],
    ['SIGHUP', { code: null, signal: 'SIGHUP' }],
    ['exit', { code: 3, signal: null }],
    ['exitCode', { code: 5, signal: null }],
    ['throw', { code: 1, signal: null }],
    ['reject', { code: 1, signal: null }],
    ['abort', { code: null, signal: 'SIGABRT' }],
    ['kill', { code: null, signal: 'SIGKILL' }],
  ];
  for (const [how, end] of cases) {
    it(`by ${how} is the same, and leaves every answered request in the trail`, async () => {
      assert.deepEqual(await compare(how, {}), end);
    });
  }

  it('by want of memory is the same too', async () => {
    assert.deepEqual(await compare('oom', {}, ['--max-old-space-size=80']), { code: null, signal: 'SIGABRT' });
  });

  for (const [how, code] of [
    ['SIGTERM', 7],
    ['SIGINT', 7],
    ['SIGHUP', 7],
    ['throw', 8],
    ['reject', 9],
  ] as const) {
    it(`by ${how} stays what the service's own handler makes of it`, async () => {
      assert.deepEqual(await compare(how, { OWN_HANDLER: 'yes' }), { code, signal: null });
    });
  }

  it('does not keep a response from its client that is held when the process exits', async () => {
    const env = { AUDIT_FILE_DIR: 'trail-held', AUDIT_DELIVERY: 'confirmed' };
    const service = await folder.start({ entry: 'server.cjs', env });
    const ended = once(service.process, 'exit');
    const socket = net.connect(Number(new URL(service.url).port), '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.write('GET /exitInHandler HTTP/1.1\r\nHost: x\r\n\r\n');
    await Promise.all([ended, once(socket, 'close')]);
    assert.match(text, /bye/);
    const [record, ...amendments] = folder.records('trail-held');
    assert.deepEqual([record?.kind, record?.outcome], ['http', 'success']);
    // Node 24 does not say any more whether the bytes have left: then the trail says that nobody knows.
    for (const { kind, outcome, refersTo } of amendments) assert.deepEqual([kind, outcome, refersTo], ['amendment', 'unknown', record?.id]);
  });

  it('waits for a sink that hangs no longer than the deadline, and the next process delivers', async (t) => {
    const sockets = new Set<net.Socket>();
    const silent = net.createServer((socket) => sockets.add(socket.on('error', () => {})));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    const { port } = silent.address() as net.AddressInfo;
    const env = {
      AUDIT_POSTGRES_URL: `postgres://u:p@127.0.0.1:${port}/d`,
      AUDIT_JOURNAL_DIR: 'journal-hanging',
      AUDIT_SHUTDOWN_TIMEOUT_MS: '1000',
    };
    const service = await folder.start({ entry: 'server.cjs', env, isGuarded: false });
    await sendMany(service.url, 'hanging', REQUESTS);
    await until('it is connected', () => sockets.size > 0, 20_000);
    const started = performance.now();
    assert.deepEqual(await service.end(), { code: null, signal: 'SIGTERM' });
    const tookMs = Math.round(performance.now() - started);
    t.diagnostic(`ended after ${tookMs} ms of 1000`);
    assert.ok(tookMs < 5000, `${tookMs} ms: by default it would have been 5,000`);
    const kept = new Set(folder.records('journal-hanging').map(({ request }) => request?.id));
    assert.equal([...kept].filter((id) => id?.startsWith('hanging')).length, REQUESTS);
  });
});
