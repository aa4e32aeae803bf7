/** The ways to start one and the same service that are compared: bare, with a plain SDK, and with the preload in its modes. */

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { createServiceFolder, ROOT, type Service, type ServiceFolder } from './service.js';

export const MODES = [
  'bare',
  'sdk',
  'standalone file',
  'standalone postgres',
  'attach file',
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
let start;
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
  request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}'));
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

/** Without the guard that other tests preload: it would load and measure itself. */
export function startMode(
  folder: ServiceFolder,
  mode: Mode,
  postgresUrl: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Service> {
  const [kind] = mode.split(' ');
  const audit = mode.endsWith('file') || mode.endsWith('postgres') ? ['--require', path.join(ROOT, 'dist/src/register.js')] : [];
  const sdk = kind === 'sdk' ? ['--require', './sdk.js'] : [];
  const sink: Record<string, string> = mode.endsWith('postgres')
    ? { AUDIT_EXPORTER: 'postgres', AUDIT_POSTGRES_URL: postgresUrl, AUDIT_JOURNAL_DIR: 'journal' }
    : { AUDIT_EXPORTER: 'file' };
  const env = audit.length === 0 ? {} : { ...sink, AUDIT_MODE: mode.includes('attach') ? 'attach' : 'standalone', ...more };
  return folder.start({ entry: 'server.js', preload: [...audit, ...sdk], env, isGuarded: false });
}
