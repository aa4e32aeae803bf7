/** The Azure Monitor exporter, reduced to a converter: no storage, no retries, no telemetry about itself. */

import type { AzureMonitorExporterOptions, AzureMonitorLogExporter } from '@azure/monitor-opentelemetry-exporter';
import { AuditError, messageOf } from '../../../src/errors.js';
import type { AzureConnection } from '../connection-string.js';

type SdkOptions = AzureMonitorExporterOptions;
export type SdkHttpClient = NonNullable<SdkOptions['httpClient']>;
export type SdkCredential = NonNullable<SdkOptions['credential']>;

/**
 * Loads the SDK (about 0.3 s and 25 MB: hence not before an exporter is asked for).
 *
 * @throws {AuditError} ERR_AUDIT_EXPORTER when it cannot be loaded or refuses the connection.
 */
export function createSdkExporter(
  connection: AzureConnection,
  httpClient: SdkHttpClient,
  credential?: SdkCredential,
): AzureMonitorLogExporter {
  try {
    const sdk = require('@azure/monitor-opentelemetry-exporter') as typeof import('@azure/monitor-opentelemetry-exporter');
    return withoutPhoningHome(() => new sdk.AzureMonitorLogExporter(optionsFor(connection, httpClient, credential)));
  } catch (error) {
    throw new AuditError('ERR_AUDIT_EXPORTER', `azure: the SDK cannot be started: ${messageOf(error)}`, { cause: error });
  }
}

function optionsFor(connection: AzureConnection, httpClient: SdkHttpClient, credential: SdkCredential | undefined): SdkOptions {
  const { instrumentationKey, ingestionEndpoint, insecure, aadAudience } = connection;
  const audience = aadAudience === undefined ? '' : `;AADAudience=${aadAudience}`;
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

// Any value counts. Read in the constructor only; it governs network, long-interval and customer statistics alike.
const NO_STATSBEAT = 'APPLICATION_INSIGHTS_NO_STATSBEAT';

/** Sets the switch for the constructor's time alone: on the main thread the service's own SDK must not find it. */
function withoutPhoningHome<T>(construct: () => T): T {
  const before = process.env[NO_STATSBEAT];
  process.env[NO_STATSBEAT] = 'true';
  try {
    return construct();
  } finally {
    if (before === undefined) delete process.env[NO_STATSBEAT];
    else process.env[NO_STATSBEAT] = before;
  }
}
