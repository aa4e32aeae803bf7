/** The telemetry SDKs that services bring: how each is started as its documentation says, and how its wire format is read. */

import { createRequire } from 'node:module';
import path from 'node:path';
import type { CollectedRequest } from '../support/collector.js';

/** A span as the host reported it. */
export interface HostSpan {
  readonly traceId: string;
  readonly isServer: boolean;
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface Host {
  /** Folder below `test/fixtures`. */
  readonly fixture: string;
  /** Majors of Node it is tried on. */
  readonly nodes: readonly number[];
  /** What the service's `telemetry.cjs` says; `COLLECTOR` in the environment is where it may send to. */
  readonly telemetry: string;
  readonly env?: Readonly<Record<string, string>>;
  /**
   * `span`: the record has the server span's trace, and the span the record's attributes. `id`: the host ends its span
   * before the response closes, so it has the record's id only. `none`: there is no way to the host's trace.
   */
  readonly joins: 'span' | 'id' | 'none';
  /** It reports some of its spans only: two runs cannot be compared. */
  readonly isSampled?: boolean;
  spansOf(requests: readonly CollectedRequest[], directory: string): readonly HostSpan[];
}

const NODE_SDK = `
const { NodeSDK } = require('@opentelemetry/sdk-node');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http');
const sdk = new NodeSDK({
  autoDetectResources: false,
  instrumentations: [new HttpInstrumentation()],
  traceExporter: new OTLPTraceExporter({ url: process.env.COLLECTOR + '/v1/traces' }),
  metricReaders: [],
  logRecordProcessors: [],
});
sdk.start();
globalThis.flushHost = () => sdk.shutdown();`;

const AUTO = "require('@opentelemetry/auto-instrumentations-node/register');";
const AUTO_ENV = {
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  OTEL_METRICS_EXPORTER: 'none',
  OTEL_LOGS_EXPORTER: 'none',
  OTEL_NODE_RESOURCE_DETECTORS: 'none',
  OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'http,express',
};

const azure = (module: string, flush: string): string => `
const { useAzureMonitor, ${flush} } = require('${module}');
useAzureMonitor({
  azureMonitorExporterOptions: {
    connectionString: 'InstrumentationKey=00000000-0000-4000-8000-000000000001;IngestionEndpoint=' + process.env.COLLECTOR + '/',
    host: process.env.COLLECTOR,
    allowInsecureConnection: true,
    disableOfflineStorage: true,
  },
  enableLiveMetrics: false,
  enableStandardMetrics: false,
  enablePerformanceCounters: false,
});
globalThis.flushHost = () => ${flush}();`;
const AZURE_ENV = {
  APPLICATION_INSIGHTS_NO_STATSBEAT: 'true',
  APPLICATIONINSIGHTS_STATSBEAT_DISABLED: 'true',
  APPLICATIONINSIGHTS_SDKSTATS_DISABLED: 'true',
  // On App Service nobody asks the metadata service of a virtual machine, which is not on this one.
  WEBSITE_SITE_NAME: 'orders',
  APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED: 'true',
};

const SENTRY = `
const Sentry = require('@sentry/node');
Sentry.init({ dsn: process.env.COLLECTOR.replace('http://', 'http://key@') + '/1', tracesSampleRate: 1, sendClientReports: false });
globalThis.flushHost = () => Sentry.close(3000);`;

export const HOSTS: Readonly<Record<string, Host>> = {
  'NodeSDK of OpenTelemetry 2.x': {
    fixture: 'compat/otel-2',
    nodes: [20, 22, 24, 26],
    telemetry: NODE_SDK,
    joins: 'span',
    spansOf: otlpSpans,
  },
  'NodeSDK of OpenTelemetry 3.x': { fixture: 'compat/otel-3', nodes: [22, 24, 26], telemetry: NODE_SDK, joins: 'span', spansOf: otlpSpans },
  'auto-instrumentations of 2.x': {
    fixture: 'compat/auto-instrumentations-2',
    nodes: [20],
    telemetry: AUTO,
    env: AUTO_ENV,
    joins: 'span',
    spansOf: otlpSpans,
  },
  'auto-instrumentations of 3.x': {
    fixture: 'compat/auto-instrumentations-3',
    nodes: [24],
    telemetry: AUTO,
    env: AUTO_ENV,
    joins: 'span',
    spansOf: otlpSpans,
  },
  useAzureMonitor: {
    fixture: 'compat/azure-monitor',
    nodes: [24],
    telemetry: azure('@azure/monitor-opentelemetry', 'shutdownAzureMonitor'),
    // The default sends five traces a second, whichever come first: two runs could not be compared.
    env: { ...AZURE_ENV, OTEL_TRACES_SAMPLER: 'always_on' },
    joins: 'span',
    spansOf: azureSpans,
  },
  'useAzureMonitor with its default sampling': {
    fixture: 'compat/azure-monitor',
    nodes: [24],
    telemetry: azure('@azure/monitor-opentelemetry', 'shutdownAzureMonitor'),
    env: AZURE_ENV,
    joins: 'span',
    isSampled: true,
    spansOf: azureSpans,
  },
  'applicationinsights 3.x': {
    fixture: 'compat/applicationinsights-3',
    nodes: [24],
    telemetry: azure('applicationinsights', 'shutdownAzureMonitor'),
    env: { ...AZURE_ENV, OTEL_TRACES_SAMPLER: 'always_on' },
    joins: 'span',
    spansOf: azureSpans,
  },
  'applicationinsights 2.9': {
    fixture: 'compat/applicationinsights-2',
    nodes: [20],
    telemetry: `
const insights = require('applicationinsights');
insights.setup('InstrumentationKey=00000000-0000-4000-8000-000000000001;IngestionEndpoint=' + process.env.COLLECTOR + '/;LiveEndpoint=' + process.env.COLLECTOR + '/')
  .setAutoCollectPerformance(false, false).setAutoCollectPreAggregatedMetrics(false).setAutoCollectHeartbeat(false).setAutoCollectConsole(false)
  .setSendLiveMetrics(false).setUseDiskRetryCaching(false).setInternalLogging(false, false).start();
globalThis.flushHost = () => new Promise((resolve) => insights.defaultClient.flush({ callback: resolve }));`,
    env: AZURE_ENV,
    joins: 'none',
    spansOf: azureSpans,
  },
  '@sentry/node 10': { fixture: 'compat/sentry-10', nodes: [20], telemetry: SENTRY, joins: 'span', spansOf: sentrySpans },
  '@sentry/node 11': { fixture: 'compat/sentry-11', nodes: [20, 24], telemetry: SENTRY, joins: 'span', spansOf: sentrySpans },
  'dd-trace': {
    fixture: 'compat/dd-trace',
    nodes: [20, 24],
    telemetry: "require('dd-trace').init({ url: process.env.COLLECTOR, flushInterval: 50 });",
    env: {
      DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false',
      DD_REMOTE_CONFIGURATION_ENABLED: 'false',
      DD_TRACE_STARTUP_LOGS: 'false',
      DD_CRASHTRACKING_ENABLED: 'false',
    },
    joins: 'id',
    spansOf: datadogSpans,
  },
};

interface OtlpSpan {
  readonly traceId: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes?: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
}

/** OTLP as JSON over HTTP. */
function otlpSpans(requests: readonly CollectedRequest[]): readonly HostSpan[] {
  interface Export {
    readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[] }[];
  }
  const exported = requests.filter(({ path: at }) => at === '/v1/traces').map(({ body }) => JSON.parse(body.toString()) as Export);
  const spans = exported.flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
  );
  return spans.map(({ traceId, name, kind, attributes = [] }) => ({
    traceId,
    name,
    isServer: kind === 2,
    attributes: Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]])),
  }));
}

/** Application Insights envelopes, as an array or one a line. */
function azureSpans(requests: readonly CollectedRequest[]): readonly HostSpan[] {
  interface Envelope {
    readonly tags: Readonly<Record<string, string>>;
    readonly data: {
      readonly baseType: string;
      readonly baseData: { readonly name: string; readonly properties?: Record<string, string> };
    };
  }
  const tracked = requests.filter(({ path: at }) => at.endsWith('/track')).map(({ body }) => body.toString().trim());
  const envelopes = tracked.flatMap((text) => JSON.parse(text.startsWith('[') ? text : `[${text.split('\n').join(',')}]`) as Envelope[]);
  return envelopes
    .filter(({ data }) => data.baseType === 'RequestData' || data.baseType === 'RemoteDependencyData')
    .map(({ tags, data: { baseType, baseData } }) => ({
      traceId: tags['ai.operation.id'] ?? '',
      name: baseData.name,
      isServer: baseType === 'RequestData',
      attributes: baseData.properties ?? {},
    }));
}

/** Sentry's envelopes: a header line, then for each item a header line and a payload line, a transaction or a list of spans. */
function sentrySpans(requests: readonly CollectedRequest[]): readonly HostSpan[] {
  const lines = requests
    .filter(({ path: at }) => at.includes('/envelope'))
    .flatMap(({ body }) => body.toString().split('\n').filter(Boolean));
  return lines
    .map((line) => JSON.parse(line) as SentryPayload)
    .flatMap((payload) => [...transactionSpans(payload), ...streamedSpans(payload)]);
}

interface SentrySpan {
  readonly trace_id: string;
  readonly op?: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly description?: string;
}

interface SentryPayload {
  readonly type?: string;
  readonly transaction?: string;
  readonly contexts?: { readonly trace: SentrySpan };
  readonly spans?: readonly SentrySpan[];
  readonly items?: readonly {
    readonly trace_id: string;
    readonly name: string;
    readonly attributes: Readonly<Record<string, { readonly value: unknown }>>;
  }[];
}

function transactionSpans({ type, transaction = '', contexts, spans = [] }: SentryPayload): readonly HostSpan[] {
  if (type !== 'transaction' || contexts === undefined) return [];
  const { trace } = contexts;
  const children = spans.map(({ trace_id, description = '', data = {} }) => ({
    traceId: trace_id,
    name: description,
    isServer: false,
    attributes: data,
  }));
  return [{ traceId: trace.trace_id, name: transaction, isServer: trace.op === 'http.server', attributes: trace.data ?? {} }, ...children];
}

/** Since version 11. */
function streamedSpans({ items = [] }: SentryPayload): readonly HostSpan[] {
  return items.map(({ trace_id, name, attributes }) => {
    // Sentry learns the system's name while the first requests are served.
    const steady = Object.entries(attributes ?? {}).filter(([key]) => !key.startsWith('os.'));
    const values = Object.fromEntries(steady.map(([key, { value }]) => [key, value]));
    return { traceId: trace_id, name, isServer: values['sentry.op'] === 'http.server', attributes: values };
  });
}

/** The agent's msgpack: traces of spans. The upper half of a 128-bit trace id is a tag. */
function datadogSpans(requests: readonly CollectedRequest[], directory: string): readonly HostSpan[] {
  interface DatadogSpan {
    readonly trace_id: bigint | number;
    readonly name: string;
    readonly meta: Readonly<Record<string, string>>;
    readonly metrics: Readonly<Record<string, number>>;
  }
  type Decode = (bytes: Uint8Array, options: { useBigInt64: boolean }) => unknown;
  const { decode } = createRequire(path.join(directory, 'package.json'))('@msgpack/msgpack') as { decode: Decode };
  const traces = requests
    .filter(({ path: at }) => at.endsWith('/traces'))
    .flatMap(({ body }) => decode(body, { useBigInt64: true }) as DatadogSpan[][]);
  return traces.flatMap((spans) => {
    const upper = spans.map(({ meta }) => meta['_dd.p.tid']).find((tid) => tid !== undefined) ?? '';
    return spans.map(({ trace_id, name, meta, metrics }) => ({
      traceId: `${upper.padStart(16, '0')}${trace_id.toString(16).padStart(16, '0')}`,
      name,
      isServer: meta['span.kind'] === 'server',
      attributes: { ...metrics, ...meta },
    }));
  });
}
