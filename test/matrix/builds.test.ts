import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { JournalledRecord } from '../../src/record.js';
import { send } from '../support/audited-server.js';
import { installFixture, nodeBinary } from '../support/fixtures.js';
import { createServiceFolder, type ServiceFolder } from '../support/service.js';

const SERVER = `
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type ActorInput, audit, setActor } from 'otel-audit';

const ada: ActorInput = { id: 'ada', type: 'admin' };
const server = createServer(async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  setActor(ada);
  const receipt = await audit({ action: 'stock.reserved' });
  response.end(JSON.stringify({ event: receipt?.id ?? null }));
});
server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + (server.address() as AddressInfo).port));`;
const AUDIT = ['--require', 'otel-audit/register'];
const TYPED: readonly [name: string, major: number, preload: readonly string[]][] = [
  ['tsx', 20, ['--import', 'tsx', ...AUDIT]],
  ['tsx', 24, [...AUDIT, '--import', 'tsx']],
  ['tsx', 26, ['--import', 'tsx', '--import', 'otel-audit/register']],
  ['Node itself', 22, AUDIT],
  ['Node itself', 24, AUDIT],
  ['Node itself', 26, ['--import', 'otel-audit/register']],
];

describe('a service in TypeScript', () => {
  let tools: string;
  const folders: ServiceFolder[] = [];
  before(async () => {
    tools = await installFixture('runtimes/tools');
  });
  after(() => {
    for (const folder of folders) folder.remove();
  });
  function folderWith(): ServiceFolder {
    const folder = createServiceFolder({ 'server.ts': SERVER, 'package.json': '{"name":"typed","type":"module"}' }, [], tools);
    folders.push(folder);
    return folder;
  }

  for (const [runner, major, preload] of TYPED) {
    it(`is recorded when ${runner} runs it on Node ${major}, with ${preload.join(' ')}`, async () => {
      await assertRecorded(folderWith(), { entry: 'server.ts', preload, node: await nodeBinary(major) });
    });
  }

  for (const major of [20, 26]) {
    it(`joins the live pipeline with the API bundled into it, on Node ${major}`, async () => {
      const folder = folderWith();
      await bundle(folder);
      await assertRecorded(folder, { entry: 'bundle.cjs', preload: AUDIT, node: await nodeBinary(major) });
    });
  }

  it('runs bundled without the preload, and records nothing', async () => {
    const folder = folderWith();
    await bundle(folder);
    const service = await folder.start({ entry: 'bundle.cjs', preload: [] });
    assert.equal((await send(service.url)).body, '{"event":null}');
    await service.end();
    assert.throws(() => folder.records(), /ENOENT/);
  });

  async function bundle({ directory }: ServiceFolder): Promise<void> {
    const { build } = createRequire(path.join(tools, 'package.json'))('esbuild') as { build(options: object): Promise<unknown> };
    const [entryPoints, outfile] = [[path.join(directory, 'server.ts')], path.join(directory, 'bundle.cjs')];
    await build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'cjs', external: ['pg-native'], logLevel: 'error' });
  }
});

async function assertRecorded(folder: ServiceFolder, options: Parameters<ServiceFolder['start']>[0]): Promise<void> {
  const service = await folder.start(options);
  const { event: id } = JSON.parse((await send(`${service.url}/orders`, { method: 'POST' })).body) as { readonly event: string };
  await service.end();
  const [event, request, ...others] = folder.records() as readonly [JournalledRecord, JournalledRecord];
  assert.deepEqual(others, []);
  assert.deepEqual([event.id, event.action, event.refersTo, event.actor.id], [id, 'stock.reserved', request.id, 'ada']);
  assert.deepEqual(
    [request.action, request.actor.id, request.actor.type, request.service.name],
    ['order.created', 'ada', 'admin', 'typed'],
  );
  assert.match(request.trace?.traceId ?? '', /^[0-9a-f]{32}$/);
}
