// The service's own OpenTelemetry SDK, with the audit trail wired in. Loaded before anything that serves or calls HTTP.

const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { NodeSDK } = require('@opentelemetry/sdk-node');
const { BatchSpanProcessor, TraceIdRatioBasedSampler } = require('@opentelemetry/sdk-trace-base');
const { AuditLogRecordProcessor, AuditSampler, AuditSpanProcessor, auditHttpHooks } = require('otel-audit');

const sdk = new NodeSDK({
  instrumentations: [new HttpInstrumentation(auditHttpHooks())],
  // Optional: spans that are not sampled are recorded all the same, for other processors of yours. They are not exported.
  sampler: new AuditSampler(new TraceIdRatioBasedSampler(0.1)),
  spanProcessors: [new AuditSpanProcessor(), new BatchSpanProcessor(new OTLPTraceExporter())],
  logRecordProcessors: [new AuditLogRecordProcessor()],
  metricReaders: [],
});
sdk.start();

module.exports = { shutdown: () => sdk.shutdown() };
