/** Starts the telemetry SDK of a service that has none. Exports nothing anywhere, and leaves outgoing requests alone. */

import { HttpInstrumentation, type HttpInstrumentationConfig } from '@opentelemetry/instrumentation-http';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { AlwaysOnSampler, ParentBasedSampler, type Sampler, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { rememberPeerName } from '../capture/client-address.js';
import type { AuditHttpHooks } from '../capture/hooks.js';
import { AuditLogRecordProcessor } from './log-processor.js';
import { AuditSampler } from './sampler.js';
import { AuditSpanProcessor } from './span-processor.js';

/** Loaded only in standalone mode: this file's imports cost most of the preload. */
export function startStandalone(hooks: AuditHttpHooks, serviceName: string): void {
  const sdk = new NodeSDK({
    serviceName,
    autoDetectResources: false,
    instrumentations: [
      new HttpInstrumentation({
        ...(forgettingPeers(hooks) as unknown as HttpInstrumentationConfig),
        // A traceparent header on the service's own calls would be a change that its callees see.
        disableOutgoingRequestInstrumentation: true,
      }),
    ],
    sampler: new AuditSampler(new ParentBasedSampler({ root: new AlwaysOnSampler() })) as unknown as Sampler,
    spanProcessors: [new AuditSpanProcessor() as SpanProcessor],
    logRecordProcessors: [new AuditLogRecordProcessor()],
    // Given and empty: otherwise NodeSDK reads OTEL_METRICS_EXPORTER and starts to send.
    metricReaders: [],
  });
  sdk.start();
  // The instrumentation patches `http` when it is next required. In an ESM service nothing else would require it.
  require('node:http');
  require('node:https');
}

/** The instrumentation asks the socket for its peer between these two hooks, and the service must not be able to tell. */
function forgettingPeers(hooks: AuditHttpHooks): AuditHttpHooks {
  const forgets = new WeakMap<object, () => void>();
  return {
    ...hooks,
    startIncomingSpanHook(request) {
      forgets.set(request, rememberPeerName(request.socket));
      return hooks.startIncomingSpanHook(request);
    },
    requestHook(span, request) {
      forgets.get(request as object)?.();
      hooks.requestHook(span, request);
    },
  };
}
