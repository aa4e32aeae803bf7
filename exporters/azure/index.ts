/** Delivers audit records to Application Insights as custom events, and says truly which of them the service accepted. */

import { AuditConfigError } from '../../src/errors.js';
import { type AuditExporter, allRetry } from '../../src/exporter.js';
import { parseConnectionString } from './connection-string.js';
import { createDeliver } from './deliver.js';
import type { SdkCredential } from './transport/sdk.js';
import { createTransport } from './transport/transport.js';

export { type AuditEnvelope, type RebuiltRecords, recordsFromEnvelopes } from './envelope/rebuild.js';

export interface AzureExporterOptions {
  /** From the resource's overview page. Plain http only to this machine. */
  readonly connectionString: string;
  /** Entra ID instead of the key alone, e.g. `new DefaultAzureCredential()`. Needs the role Monitoring Metrics Publisher. */
  readonly credential?: SdkCredential;
  /** Default `azure`. */
  readonly name?: string;
  /** Default: compressed, except to this machine. */
  readonly gzip?: boolean;
  /** Uncompressed bytes of one request. Default 2,000,000. */
  readonly maxRequestBytes?: number;
  /** Default 10,000. */
  readonly requestTimeoutMs?: number;
  /** Also sends the client's address as the item's own, for the service's geo look-up. Personal data. Default false. */
  readonly clientAddressTag?: boolean;
  /** Also sends the actor's id as `user_AuthenticatedId`. Personal data. Default false. */
  readonly userTag?: boolean;
}

/**
 * `delivered` means: accepted by ingestion. Until it can be queried takes seconds to minutes.
 *
 * @throws {AuditConfigError} ERR_AUDIT_CONFIG when the connection string is wrong, or a credential would go over plain http.
 * @throws {AuditError} ERR_AUDIT_EXPORTER when the SDK cannot be loaded.
 */
export function createAzureExporter(options: AzureExporterOptions): AuditExporter {
  const connection = parseConnectionString(options.connectionString);
  if (connection.insecure && options.credential !== undefined) {
    throw new AuditConfigError(['AUDIT_AZURE_CREDENTIAL: a token is sent over https only, IngestionEndpoint is plain http']);
  }
  const transport = createTransport({
    connection,
    credential: options.credential,
    gzip: options.gzip ?? !connection.insecure,
    requestTimeoutMs: options.requestTimeoutMs ?? 10_000,
  });
  const deliver = createDeliver({
    transport,
    tags: { clientAddress: options.clientAddressTag ?? false, user: options.userTag ?? false },
    maxRequestBytes: options.maxRequestBytes ?? 2_000_000,
  });
  let closing: Promise<void> | undefined;
  return {
    name: options.name ?? 'azure',
    // A closed SDK converts nothing, which would read as a record that nobody can ever convert.
    export: async (records, signal) =>
      closing === undefined ? deliver(records, signal) : allRetry(records.length, 'the exporter is shut down'),
    shutdown() {
      closing ??= transport.close();
      return closing;
    },
  };
}
