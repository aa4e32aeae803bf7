import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { send } from '../support/audited-server.js';
import { makeCanaries } from '../support/canaries.js';
import { startIngestionServer } from '../support/ingestion-server.js';
import { query, startPostgres } from '../support/postgres.js';
import { createServiceFolder } from '../support/service.js';

const SERVER = `
const http = require('node:http');
const { addMetadata, audit } = require('otel-audit');
process.on('uncaughtException', () => {});
const server = http.createServer((request, response) => {
  if (request.url === '/api/throw') {
    setImmediate(() => response.destroy());
    throw new Error(request.headers['x-message']);
  }
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
    const body = Buffer.concat(chunks);
    if (request.url === '/api/metadata') {
      addMetadata(JSON.parse(body));
      void audit({ action: 'noted', metadata: { inner: JSON.parse(body) }, error: new Error('kept-event ' + body) });
    }
    response.writeHead(200, { 'content-type': request.headers['content-type'] ?? 'text/plain' }).end(body);
  });
});
server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));
`;
/** What our processor was shown of each span. The instrumentation's own attributes hold the raw URL; nobody exports these spans. */
const SPANS = `
const { appendFileSync } = require('node:fs');
const { AuditSpanProcessor } = require('otel-audit');
const { onEnd } = AuditSpanProcessor.prototype;
AuditSpanProcessor.prototype.onEnd = function (span) {
  const audit = Object.entries(span.attributes).filter(([name]) => name.startsWith('audit.'));
  appendFileSync(__dirname + '/spans.json', JSON.stringify(audit) + '\\n');
  return onEnd.call(this, span);
};
`;
/** A rule may ask for any header; it gets it redacted. */
const POLICY = {
  policy: [
    {
      match: { path: '/api/**' },
      level: 'full',
      headers: ['authorization', 'proxy-authorization', 'cookie', 'x-api-key', 'tracestate', 'baggage'],
    },
  ],
};

test('no secret of a client, in whatever place, is in any sink', { timeout: 120_000 }, async (t) => {
  const postgres = await startPostgres();
  t.after(() => postgres.stop());
  const ingestion = await startIngestionServer();
  t.after(() => ingestion.close());
  const folder = createServiceFolder({ 'server.js': SERVER, 'spans.js': SPANS, 'policy.json': JSON.stringify(POLICY) });
  t.after(() => folder.remove());
  const { requests, secrets } = makeCanaries();
  const service = await folder.start({
    entry: 'server.js',
    preload: ['--require', 'otel-audit/register', '--require', './spans.js'],
    env: {
      AUDIT_EXPORTER: 'postgres,azure,file',
      AUDIT_POSTGRES_URL: postgres.url,
      AUDIT_AZURE_CONNECTION_STRING: ingestion.connectionString,
      AUDIT_TENANT_HEADER: 'x-tenant',
      AUDIT_CONFIG_FILE: 'policy.json',
    },
  });
  for (const { path, headers, body } of requests)
    await send(`${service.url}${path}`, { method: 'POST', headers }, body).catch((error: unknown) =>
      assert.equal(path, '/api/throw', String(error)),
    );
  await service.end();

  const rows = await query(postgres.url, 'SELECT audit_logs::text AS text FROM audit_logs');
  const sinks: Record<string, readonly string[]> = {
    postgres: rows.map((row) => String(row['text'])),
    azure: ingestion.requests.flatMap((request) => [JSON.stringify(request.headers), ...request.items.map((item) => JSON.stringify(item))]),
    files: filesBelow(join(folder.directory, 'audit-log')),
    spans: readFileSync(join(folder.directory, 'spans.json'), 'utf8').split('\n'),
    stderr: [service.stderr()],
  };
  const records = requests.length + 1;
  const own = folder.lifecycle().length;
  assert.equal(rows.length, records + own);
  assert.equal(folder.records().length, records);
  assert.equal(ingestion.items.length, records + own);
  for (const sink of ['postgres', 'azure', 'files', 'spans']) {
    const absent = requests.filter(({ harmless = '' }) => !sinks[sink]?.some((text) => text.includes(harmless)));
    assert.deepEqual(
      absent.map(({ name }) => name),
      // It ends its span before it ends.
      sink === 'spans' ? ['throw'] : [],
      `harmless neighbours missing in ${sink}`,
    );
  }
  const found = Object.entries(sinks).flatMap(([sink, texts]) =>
    [...secrets].filter(([, secret]) => texts.some((text) => text.includes(secret))).map(([place]) => `${place} in ${sink}`),
  );
  assert.deepEqual(found, []);
});

/** The content of every file, whatever its name. */
function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, 'utf8'));
}
