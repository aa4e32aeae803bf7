/** Chooses between bringing our own telemetry SDK and joining the one the service has. Reads only what it is given. */

import type { AuditMode } from '../config.js';
import type { PackageManifest } from '../package-manifest.js';

export interface ModeFacts {
  /** What `AUDIT_MODE` says. */
  readonly configured: AuditMode;
  /** The package.json nearest to the entry script. */
  readonly manifest: PackageManifest;
  /** `process.execArgv` and the words of `NODE_OPTIONS`. */
  readonly nodeArguments: readonly string[];
  /** Somebody has registered with the OpenTelemetry API in this process. */
  readonly hasOtelGlobal: boolean;
  /** Somebody has wrapped `http.Server.prototype.emit`. */
  readonly hasWrappedServer: boolean;
}

export interface ModeChoice {
  readonly mode: 'standalone' | 'attach' | 'library';
  readonly reason: string;
}

/** Two `HttpInstrumentation`s do not coexist, so where there may be another SDK the answer is `attach`. */
export function chooseMode(facts: ModeFacts): ModeChoice {
  if (facts.configured !== 'auto') return { mode: facts.configured, reason: `AUDIT_MODE=${facts.configured}` };
  const [declared] = declaredSdks(facts);
  if (declared !== undefined) return { mode: 'attach', reason: `the service's package.json declares ${declared}` };
  const [preloaded] = preloadedSdks(facts);
  if (preloaded !== undefined) return { mode: 'attach', reason: `${preloaded} is preloaded` };
  if (facts.hasOtelGlobal) return { mode: 'attach', reason: 'an OpenTelemetry SDK is registered' };
  if (facts.hasWrappedServer) return { mode: 'attach', reason: 'http.Server.prototype.emit is wrapped' };
  return { mode: 'standalone', reason: 'no other telemetry SDK was found' };
}

/** Being resolvable is no criterion: npm hoists our own dependencies into the service's tree. */
export function declaredSdks({ manifest }: ModeFacts): readonly string[] {
  return Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }).filter(isTelemetrySdk);
}

/** As they were given to `--require` or `--import`. */
export function preloadedSdks({ nodeArguments }: ModeFacts): readonly string[] {
  return preloadsOf(nodeArguments).filter((preload) => isTelemetrySdk(packageOf(preload)));
}

/** SDKs and agents that instrument `node:http` or register with the OpenTelemetry API. */
const SDKS: ReadonlySet<string> = new Set([
  '@appsignal/nodejs',
  '@aws/aws-distro-opentelemetry-node-autoinstrumentation',
  '@azure/monitor-opentelemetry',
  '@dynatrace/oneagent',
  '@elastic/opentelemetry-node',
  '@grafana/faro-node',
  '@honeycombio/opentelemetry-node',
  '@hyperdx/node-opentelemetry',
  '@instana/collector',
  '@lumigo/opentelemetry',
  '@opentelemetry/auto-instrumentations-node',
  '@opentelemetry/instrumentation-http',
  '@opentelemetry/sdk-node',
  '@opentelemetry/sdk-trace',
  '@opentelemetry/sdk-trace-base',
  '@opentelemetry/sdk-trace-node',
  '@splunk/otel',
  '@vercel/otel',
  'applicationinsights',
  'dd-trace',
  'elastic-apm-node',
  'logfire',
  'newrelic',
]);

function isTelemetrySdk(name: string): boolean {
  return SDKS.has(name) || name.startsWith('@sentry/');
}

function preloadsOf(nodeArguments: readonly string[]): readonly string[] {
  return nodeArguments.flatMap((argument, index) => {
    const inline = /^(?:--require|--import|-r|--loader|--experimental-loader)=(.+)$/.exec(argument)?.[1];
    if (inline !== undefined) return [inline];
    return /^(?:--require|--import|-r|--loader|--experimental-loader)$/.test(argument) ? (nodeArguments[index + 1] ?? []) : [];
  });
}

/** `@scope/name/register` is of the package `@scope/name`; so is a path through its folder in node_modules. */
function packageOf(preload: string): string {
  const inside = preload.slice(preload.lastIndexOf('node_modules/') + 1).replace(/^ode_modules\//, '');
  const [first = '', second = ''] = inside.split('/');
  return first.startsWith('@') ? `${first}/${second}` : first;
}
