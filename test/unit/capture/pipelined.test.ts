/** Pipelined responses some of which wait for their records: the others, and the end of the connection, are as if none did. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { auditThisProcess, connect, listen, send } from '../../support/audited-server.js';
import { createHeldSink } from '../../support/held-sink.js';

const sink = createHeldSink();
const { warnings } = auditThisProcess(
  {
    FILE_DIR: '/nonexistent',
    EXPORTER: ['file'],
    policy: [
      { level: 'full', match: { path: '/held/*' }, delivery: 'confirmed' },
      { level: 'none', match: { path: '/excluded' } },
      { level: 'full' },
    ],
  },
  { createSink: sink.createSink },
);

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
const answer: Handler = (request, response) => response.end(`[${request.url}]`);
let handler: Handler = answer;
const server = http.createServer((request, response) => handler(request, response));
let address: Awaited<ReturnType<typeof listen>>;

/** A connection on which these paths are asked for at once. */
async function ask(...paths: readonly string[]): ReturnType<typeof connect> {
  const connection = await connect(address.port);
  connection.socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''));
  return connection;
}

/** What of these paths' answers comes to a client that closes its side as soon as it has asked, by the time the server has closed too. */
async function answersAfterClosing(...paths: readonly string[]): Promise<readonly string[] | null> {
  const { socket, text } = await ask(...paths);
  socket.end();
  await once(socket, 'close');
  return text().match(/\[\/[^\]]*\]/g);
}

describe('a pipelined response', { timeout: 20_000 }, () => {
  before(async () => {
    address = await listen(server);
  });
  after(async () => {
    sink.always(true);
    await address.close();
  });
  beforeEach(() => {
    handler = answer;
    sink.always(undefined);
  });
  afterEach(() => assert.deepEqual(warnings, []));

  for (const behind of ['/held/2', '/async', '/excluded']) {
    it(`behind a held one is not cut off when the client closes its side (${behind})`, async () => {
      assert.deepEqual(await answersAfterClosing('/held/1', behind), ['[/held/1]', `[${behind}]`]);
    });
  }

  it('that has begun is sent as far as it has come when the client closes its side', async () => {
    handler = (request, response) => (request.url === '/held/1' ? answer(request, response) : void response.write(`[${request.url}]`));
    assert.deepEqual(await answersAfterClosing('/held/1', '/held/2'), ['[/held/1]', '[/held/2]']);
  });

  it('behind one that nobody answers does not keep the connection of a client that closed its side', async () => {
    handler = (request, response) => request.url === '/async' || answer(request, response);
    assert.deepEqual(await answersAfterClosing('/held/1', '/async', '/held/2', '/held/3'), ['[/held/1]']);
  });

  it('behind one that closes the connection does not keep it', async () => {
    handler = (request, response) => answer(request, response.setHeader('connection', 'close'));
    assert.deepEqual(await answersAfterClosing('/held/1', '/held/2', '/held/3'), ['[/held/1]']);
  });

  it('calls a write back only when it has its turn', async () => {
    const seen: string[] = [];
    let first: ServerResponse | undefined;
    const called = new Promise<void>((resolve) => {
      handler = (request, response) => {
        if (request.url === '/held/1') first = response;
        else if (request.url !== '/held/2') answer(request, response);
        else
          response.write('part', () => {
            seen.push('called back');
            resolve();
          });
      };
    });
    const { socket } = await ask('/held/1', '/held/2');
    await once(server, 'request');
    await send(`${address.url}/async`);
    seen.push('answered');
    first?.end();
    sink.always(true);
    await called;
    assert.deepEqual(seen, ['answered', 'called back']);
    socket.destroy();
  });
});
