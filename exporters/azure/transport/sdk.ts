/** The Azure Monitor exporter, reduced to a converter: no storage, no retries, no telemetry about itself. */

import type { AzureMonitorExporterOptions } from '@azure/monitor-opentelemetry-exporter';
import { AuditError, messageOf } from '../../../src/errors.js';
import type { AzureConnection } from '../connection-string.js';

type SdkOptions = AzureMonitorExporterOptions;
export type SdkHttpClient = NonNullable<SdkOptions['httpClient']>;
export type SdkCredential = NonNullable<SdkOptions['credential']>;

/** `events`: custom events, made of log records. `requests`: rows of `requests`, made of server spans. */
export type Signal = 'events' | 'requests';

export interface SdkExporter {
  export(convertibles: readonly unknown[], done: (result: { readonly error?: Error }) => void): Promise<void>;
  shutdown(): Promise<void>;
}

/**
 * Loads the SDK (about 0.3 s and 25 MB: hence not before an exporter is asked for).
 *
 * @throws {AuditError} ERR_AUDIT_EXPORTER when it cannot be loaded or refuses the connection.
 */
export function createSdkExporter(
  signal: Signal,
  connection: AzureConnection,
  httpClient: SdkHttpClient,
  credential?: SdkCredential,
): SdkExporter {
  try {
    const sdk = require('@azure/monitor-opentelemetry-exporter') as typeof import('@azure/monitor-opentelemetry-exporter');
    const Exporter = signal === 'events' ? sdk.AzureMonitorLogExporter : sdk.AzureMonitorTraceExporter;
    return quietly(() => new Exporter(optionsFor(connection, httpClient, credential)) as unknown as SdkExporter);
  } catch (error) {
    throw new AuditError('ERR_AUDIT_EXPORTER', `azure: the SDK cannot be started: ${messageOf(error)}`, { cause: error });
  }
}

function optionsFor(connection: AzureConnection, httpClient: SdkHttpClient, credential: SdkCredential | undefined): SdkOptions {
  const { instrumentationKey, ingestionEndpoint, insecure, aadAudience } = connection;
  // The SDK takes it for the scope, which ends in /.default.
  const audience = aadAudience === undefined ? '' : `;AADAudience=${aadAudience.replace(/\/*(?:\.default)?$/, '')}/.default`;
  return {
    connectionString: `InstrumentationKey=${instrumentationKey};IngestionEndpoint=${ingestionEndpoint}${audience}`,
    // The SDK's own reading of the connection string turns http into https.
    host: ingestionEndpoint,
    allowInsecureConnection: insecure,
    disableOfflineStorage: true,
    retryOptions: { maxRetries: 0 },
    httpClient,
    ...(credential === undefined ? {} : { credential }),
  };
}

// Read in the constructors only. The first, of any value, governs network, long-interval and customer statistics alike;
// the second is about an item of its own that the SDK would send before a request's spans.
const SWITCHES = ['APPLICATION_INSIGHTS_NO_STATSBEAT', 'APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED'];

/** Sets the switches for the constructor's time alone: on the main thread the service's own SDK must not find them. */
function quietly<T>(construct: () => T): T {
  const before = SWITCHES.map((name) => [name, process.env[name]] as const);
  for (const name of SWITCHES) process.env[name] = 'true';
  try {
    return construct();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}
