/** The telemetry SDKs that services bring, each started as its documentation says. */

import type { CollectedRequest } from '../support/collector.js';
import { azureSpans, datadogSpans, type HostSpan, otlpSpans, sentrySpans } from './host-wire.js';

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
