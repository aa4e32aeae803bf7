// The service's telemetry, and the three members that add the audit trail. Loaded before anything that serves or calls HTTP.

const { AuditLogRecordProcessor, AuditSpanProcessor, auditHttpHooks } = require('otel-audit');
const appInsights = require('applicationinsights');

appInsights.setup();
appInsights.defaultClient.config.azureMonitorOpenTelemetryOptions = {
  instrumentationOptions: { http: { enabled: true, ...auditHttpHooks() } },
  spanProcessors: [new AuditSpanProcessor()],
  logRecordProcessors: [new AuditLogRecordProcessor()],
};
appInsights.start();

const trackEvent = (name, properties) => appInsights.defaultClient.trackEvent({ name, properties });

module.exports = { trackEvent, shutdown: appInsights.shutdownAzureMonitor };
