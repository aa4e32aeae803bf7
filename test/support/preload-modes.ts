/** The ways to start one and the same service that are compared: bare, with a plain SDK, and with the preload in its modes. */

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { createServiceFolder, ROOT, type Service, type ServiceFolder } from './service.js';

export const MODES = [
  'bare',
  'sdk',
  'standalone file',
  'attach file',
  'standalone postgres',
  'attach postgres',
  'sdk + attach postgres',
] as const;
export type Mode = (typeof MODES)[number];

export interface Probe {
  /** From the start of the process until it listened. */
  readonly startMs: number;
  /** CPU time of the process until then, all threads. */
  readonly startCpuMs: number;
  readonly rssBytes: number;
  /** Packages that the main thread has loaded. */
  readonly packages: readonly string[];
  readonly modules: number;
  /** Records delivered; undefined without the preload. */
  readonly delivered: number | undefined;
}

const SERVER = `
const http = require('node:http');
const { readFileSync } = require('node:fs');
let start;
/** Of this thread alone. */
const cpuUs = () => Number(readFileSync('/proc/self/task/' + process.pid + '/schedstat', 'utf8').split(' ')[0]) / 1000;
const probe = () => {
  const modules = Object.keys(require.cache);
  const packageOf = (file) => /.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(file)?.[1];
  const health = globalThis[Symbol.for('otel-audit.v1')]?.health();
  return {
    ...start,
    rssBytes: process.memoryUsage.rss(),
    packages: [...new Set(modules.map(packageOf))].filter(Boolean).sort(),
    modules: modules.length,
    delivered: health && Math.min(...Object.values(health.exporters).map((exporter) => exporter.delivered)),
  };
};
const server = http.createServer((request, response) => {
  if (request.url === '/health') return response.end(JSON.stringify(probe()));
  if (request.url === '/health/cpu') return response.end(String(cpuUs()));
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
    const order = { ...JSON.parse(Buffer.concat(chunks)), status: 'created' };
    response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify(order));
  });
});
server.listen(0, '127.0.0.1', () => {
  const { user, system } = process.cpuUsage();
  start = { startMs: performance.now(), startCpuMs: (user + system) / 1000 };
  console.log('listening on http://127.0.0.1:' + server.address().port);
});
`;
/** What a service's own preload would be that starts OpenTelemetry for HTTP and exports nothing. */
const SDK = `
const { NodeSDK } = require('@opentelemetry/sdk-node');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
new NodeSDK({ instrumentations: [new HttpInstrumentation()], spanProcessors: [], logRecordProcessors: [], metricReaders: [], autoDetectResources: false }).start();
`;

export function createModesFolder(): ServiceFolder {
  const folder = createServiceFolder({ 'server.js': SERVER }, ['@opentelemetry/sdk-node', '@opentelemetry/instrumentation-http']);
  writeFileSync(path.join(folder.directory, 'sdk.js'), SDK);
  return folder;
}

export interface ModeOptions {
  readonly postgresUrl?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeArguments?: readonly string[];
}

/** Without the guard that other tests preload: it would load and measure itself. */
export function startMode(folder: ServiceFolder, mode: Mode, options: ModeOptions): Promise<Service> {
  const { postgresUrl = '', env = {}, nodeArguments = [] } = options;
  const isAudited = /file|postgres/.test(mode);
  const audit = isAudited ? ['--require', path.join(ROOT, 'dist/src/register.js')] : [];
  const sdk = mode.startsWith('sdk') ? ['--require', './sdk.js'] : [];
  const sink: Record<string, string> = mode.endsWith('postgres')
    ? { AUDIT_EXPORTER: 'postgres', AUDIT_POSTGRES_URL: postgresUrl, AUDIT_JOURNAL_DIR: 'journal' }
    : { AUDIT_EXPORTER: 'file' };
  const audited = isAudited ? { ...sink, AUDIT_MODE: mode.includes('attach') ? 'attach' : 'standalone' } : {};
  return folder.start({ entry: 'server.js', preload: [...nodeArguments, ...audit, ...sdk], env: { ...audited, ...env }, isGuarded: false });
}
