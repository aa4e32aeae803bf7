import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import type { JournalledRecord } from '../../src/record.js';
import { send } from '../support/audited-server.js';
import { startCollector } from '../support/collector.js';
import { installFixture, nodeBinary } from '../support/fixtures.js';
import { startIngestionServer } from '../support/ingestion-server.js';
import { createServiceFolder, type ServiceFolder } from '../support/service.js';
import { until } from '../support/waiting.js';
import type { HostSpan } from './host-wire.js';
import { HOSTS, type Host } from './hosts.js';

const SERVER = `
if (process.env.HOST_IN_CODE === '1') require('./telemetry.cjs');
const http = require('node:http');
const server = http.createServer((request, response) => {
  if (request.url === '/outer') {
    http.get({ port: server.address().port, path: '/inner', agent: false }, (inner) => inner.resume().on('end', () => response.end('outer')));
    return;
  }
  request.resume().on('end', () => setImmediate(() => {
    response.statusCode = request.url === '/fail' ? 500 : 200;
    response.setHeader('content-type', 'application/json');
    response.end('{"ok":true}');
  }));
});
server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));
process.on('SIGTERM', async () => {
  server.close();
  server.closeAllConnections();
  await globalThis.flushHost?.();
  setTimeout(() => process.exit(3), 5000).unref();
});`;

const POST = { method: 'POST', headers: { 'content-type': 'application/json' } };
const REQUESTS: readonly [path: string, options?: typeof POST | { method: string }][] = [
  ['/orders', POST],
  ...Array.from({ length: 20 }, (_, n): [string] => [`/orders/${n}`]),
  ['/orders/1', { method: 'DELETE' }],
  ['/fail', POST],
  ['/outer'],
];
/** With `/inner`, which the service calls itself. */
const AUDITED = REQUESTS.length + 1;

const AUDIT = ['--require', 'otel-audit/register'];
const HOST = ['--require', './telemetry.cjs'];
interface Order {
  readonly name: string;
  readonly audited: Start;
  readonly bare: Start;
}

interface Start {
  readonly preload: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const options = (preload: readonly string[]): Start => ({ preload: [], env: { NODE_OPTIONS: preload.join(' ') } });
const flags = (preload: readonly string[]): Start => ({ preload, env: {} });
const inCode = (preload: readonly string[]): Start => ({ preload, env: { HOST_IN_CODE: '1' } });
const ORDERS: readonly Order[] = [
  { name: 'when the service starts it after our preload', audited: inCode(AUDIT), bare: inCode([]) },
  { name: 'when it is preloaded before us', audited: flags([...HOST, ...AUDIT]), bare: flags(HOST) },
  { name: 'when it is preloaded after us, by NODE_OPTIONS', audited: options([...AUDIT, ...HOST]), bare: options(HOST) },
];

for (const [name, host] of Object.entries(HOSTS).filter(([key]) => key.includes(process.env['MATRIX_HOST'] ?? ''))) {
  for (const major of host.nodes.filter((node) => String(node) === (process.env['MATRIX_NODE'] ?? String(node)))) {
    describe(`${name} on Node ${major}`, () => {
      const folders: ServiceFolder[] = [];
      after(() => {
        for (const folder of folders) folder.remove();
      });
      for (const order of ORDERS) {
        it(`keeps its spans, and every request its record, ${order.name}`, async () => {
          const without = await run(host, major, order.bare, folders);
          const audited = await run(host, major, order.audited, folders);
          if (host.isSampled !== true) assert.deepEqual(shapes(audited.spans), shapes(without.spans));
          assert.deepEqual([without.records.length, audited.records.length], [0, AUDITED]);
          assert.ok(audited.sent > 0, 'our own exporter has sent over HTTP');
          assertJoined(host, audited.records, audited.spans);
        });
      }
    });
  }
}

interface Run {
  readonly spans: readonly HostSpan[];
  readonly records: readonly JournalledRecord[];
  /** Requests of our own exporter. */
  readonly sent: number;
}

async function run(host: Host, major: number, { preload, env }: Start, folders: ServiceFolder[]): Promise<Run> {
  const fixture = await installFixture(host.fixture);
  const node = await nodeBinary(major);
  const manifest = readFileSync(path.join(fixture, 'package.json'), 'utf8');
  const folder = createServiceFolder({ 'server.cjs': SERVER, 'telemetry.cjs': host.telemetry, 'package.json': manifest }, [], fixture);
  folders.push(folder);
  const [collector, ingestion] = await Promise.all([startCollector(), startIngestionServer()]);
  // Over HTTP as well: the host must not trace what our exporters send.
  const audit = { AUDIT_EXPORTER: 'file,azure', AUDIT_AZURE_CONNECTION_STRING: ingestion.connectionString };
  const where = { COLLECTOR: collector.url, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  try {
    const service = await folder.start({ entry: 'server.cjs', preload, node, env: { ...where, ...audit, ...host.env, ...env } });
    for (const [at, options] of REQUESTS) await send(`${service.url}${at}`, options, options === POST ? '{"item":"anvil"}' : undefined);
    assert.deepEqual(await service.end(), { code: 0, signal: null }, service.stderr());
    assert.doesNotMatch(service.stderr(), /network guard/);
    await until('the host has reported', () => host.isSampled === true || host.spansOf(collector.requests, fixture).length > 0);
    const records = existsSync(path.join(folder.directory, 'audit-log')) ? folder.records() : [];
    return { spans: host.spansOf(collector.requests, fixture), records, sent: ingestion.requests.length };
  } finally {
    await Promise.all([collector.close(), ingestion.close()]);
  }
}

/** What the host says of its spans, without what is ours or differs from run to run. */
function shapes(spans: readonly HostSpan[]): readonly string[] {
  return spans
    .map(({ isServer, name, attributes }) => {
      const keys = Object.keys(attributes).filter((key) => !key.startsWith('audit.'));
      return `${isServer ? 'server' : 'other'} ${name.replace(/:\d+/, '')} ${keys.sort().join(' ')}`;
    })
    .sort();
}

function assertJoined({ joins }: Host, records: readonly JournalledRecord[], spans: readonly HostSpan[]): void {
  if (joins === 'none') return;
  const servers = new Map(spans.filter(({ isServer }) => isServer).map((span) => [span.attributes['audit.record.id'], span]));
  assert.equal(servers.size, spans.filter(({ isServer }) => isServer).length, 'each server span names its record');
  for (const [id, span] of servers) {
    const record = records.find((candidate) => candidate.id === id);
    assert.equal(record?.trace?.traceId, span.traceId);
    if (joins === 'span') assert.equal(span.attributes['audit.action'], record?.action);
  }
  for (const record of records) assert.match(record.trace?.traceId ?? '', /^(?!0{32})[0-9a-f]{32}$/);
}
