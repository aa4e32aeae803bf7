import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { send } from '../support/audited-server.js';
import { createServiceFolder, type ServiceFolder } from '../support/service.js';
import { until } from '../support/waiting.js';

const TELEMETRY = `
const { NodeSDK } = require('@opentelemetry/sdk-node');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { InMemorySpanExporter, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const exporter = new InMemorySpanExporter();
new NodeSDK({
  autoDetectResources: false,
  instrumentations: [new HttpInstrumentation({ ignoreIncomingRequestHook: (request) => request.url === '/ignored' || request.url === '/spans' })],
  spanProcessors: [new SimpleSpanProcessor(exporter)],
  logRecordProcessors: [],
  metricReaders: [],
}).start();
globalThis.finishedSpans = () => exporter.getFinishedSpans().map((span) => ({ name: span.name, ...span.spanContext(), attributes: span.attributes }));`;
const SERVER = `
const http = require('node:http');
const server = http.createServer((request, response) => {
  if (request.url === '/silent') return;
  response.end(request.url === '/spans' ? JSON.stringify(globalThis.finishedSpans()) : 'ok');
});
const listen = () => server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));`;
const IN_A_SPAN = "require('@opentelemetry/api').trace.getTracer('boot').startActiveSpan('boot', (span) => { listen(); span.end(); });";

const PACKAGES = ['api', 'sdk-node', 'instrumentation-http', 'sdk-trace-base'].map((name) => `@opentelemetry/${name}`);
const AUDIT = ['--require', 'otel-audit/register'];
const HOST = ['--require', './telemetry.cjs'];

interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

function spanIn(spans: readonly Span[], path: string): Span | undefined {
  return spans.find(({ attributes }) => attributes['url.path'] === path || attributes['http.target'] === path);
}

describe("a host's server span", () => {
  const folders: ServiceFolder[] = [];
  after(() => {
    for (const folder of folders) folder.remove();
  });
  async function run(preload: readonly string[], start: string, paths: readonly string[]) {
    const manifest = JSON.stringify({ name: 'own', dependencies: { '@opentelemetry/sdk-node': '*' } });
    const folder = createServiceFolder({ 'server.cjs': SERVER + start, 'telemetry.cjs': TELEMETRY, 'package.json': manifest }, PACKAGES);
    folders.push(folder);
    const service = await folder.start({ entry: 'server.cjs', preload });
    for (const path of paths) await send(`${service.url}${path}`, { signal: AbortSignal.timeout(500) }).catch(() => undefined);
    let spans: readonly Span[] = [];
    // The service hears of a request that was given up when it can.
    await until(
      'the spans have ended',
      async () => {
        spans = JSON.parse((await send(`${service.url}/spans`)).body) as readonly Span[];
        return paths.every((path) => path === '/ignored' || spanIn(spans, path) !== undefined);
      },
      20_000,
    );
    await service.end();
    const records = folder.records();
    return {
      spanOf: (path: string) => spanIn(spans, path),
      recordOf: (path: string) => records.find(({ request }) => request?.path === path),
    };
  }

  for (const [when, preload] of [
    ['before', [...HOST, ...AUDIT]],
    ['after', [...AUDIT, ...HOST]],
  ] as const) {
    it(`is joined when the host is preloaded ${when} us, also by a request that nobody answers`, async () => {
      const { spanOf, recordOf } = await run(preload, 'listen();', ['/answered', '/silent']);
      for (const path of ['/answered', '/silent']) {
        assert.match(recordOf(path)?.trace?.traceId ?? '', /^[0-9a-f]{32}$/, path);
        assert.equal(spanOf(path)?.traceId, recordOf(path)?.trace?.traceId, path);
        assert.equal(spanOf(path)?.attributes['audit.record.id'], recordOf(path)?.id, path);
        assert.equal(spanOf(path)?.attributes['audit.outcome'], recordOf(path)?.outcome, path);
      }
    });

    it(`is not taken from whoever made the server listen, when the host is preloaded ${when} us`, async () => {
      const { spanOf, recordOf } = await run(preload, IN_A_SPAN, ['/ignored', '/seen']);
      assert.equal(recordOf('/ignored')?.trace, undefined);
      assert.match(recordOf('/seen')?.trace?.traceId ?? '', /^[0-9a-f]{32}$/);
      assert.equal(spanOf('/seen')?.traceId, recordOf('/seen')?.trace?.traceId);
    });
  }
});
