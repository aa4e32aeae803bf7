/** Delivers audit records to a table of their own, `Audit_CL`, through the Logs Ingestion API: typed columns, bodies whole. */

import type { LogsIngestionClientOptions } from '@azure/monitor-ingestion';
import { AuditConfigError, AuditError, messageOf } from '../../src/errors.js';
import { type AuditExporter, allRetry } from '../../src/exporter.js';
import { createDeliver } from '../deliver.js';
import { type LogsRow, rowsOf } from './row.js';
import { audienceOf, azureLogsFaults } from './settings.js';
import { upload } from './upload.js';

export { type RebuiltLogs, recordsFromRows } from './rebuild.js';

/** As much of a `TokenCredential` as is used. */
export interface LogsCredential {
  getToken(scopes: string | string[]): Promise<{ readonly token: string; readonly expiresOnTimestamp: number } | null>;
}

export interface AzureLogsExporterOptions {
  /** Of the data collection rule or endpoint: `https://….ingest.monitor.azure.com`. */
  readonly endpoint: string;
  /** The immutable id of the data collection rule: `dcr-…`. */
  readonly ruleId: string;
  /** Default `Custom-Audit_CL`. */
  readonly stream?: string;
  /** E.g. `new DefaultAzureCredential()`; the API takes nothing but Entra ID. Needs the role Monitoring Metrics Publisher on the rule. */
  readonly credential: LogsCredential;
  /** Default `azure-logs`. */
  readonly name?: string;
  /** Default 10,000. */
  readonly requestTimeoutMs?: number;
}

const MAX_REQUEST_BYTES = 950_000; // a call may have 1 MB, and the client splits at 1,000,000 bytes

/**
 * `delivered` means: the service took the row. Until it can be queried takes seconds to minutes.
 *
 * @throws {AuditConfigError} ERR_AUDIT_CONFIG when endpoint, rule or stream are wrong.
 * @throws {AuditError} ERR_AUDIT_EXPORTER when `@azure/monitor-ingestion` is not installed.
 */
export function createAzureLogsExporter(options: AzureLogsExporterOptions): AuditExporter {
  const { endpoint, ruleId, stream = DEFAULT_STREAM, credential, requestTimeoutMs = 10_000 } = options;
  const faults = azureLogsFaults({ endpoint, ruleId, stream });
  if (faults.length > 0) throw new AuditConfigError(faults);
  const { LogsIngestionClient } = load();
  const client = new LogsIngestionClient(endpoint, credential, quiet(audienceOf(endpoint)));
  const deliver = createDeliver<Item>({
    send: (items, signal) =>
      upload(
        { client, ruleId, stream, requestTimeoutMs },
        items.map(({ row }) => row),
        signal,
      ),
    itemsOf: (record) => rowsOf(record).map((row) => ({ row, bytes: Buffer.byteLength(JSON.stringify(row)) + 1 })),
    bytesOf: ({ bytes }) => bytes,
    maxRequestBytes: MAX_REQUEST_BYTES,
  });
  let isShutDown = false;
  return {
    name: options.name ?? 'azure-logs',
    export: async (records, signal) => (isShutDown ? allRetry(records.length, 'the exporter is shut down') : deliver(records, signal)),
    async shutdown() {
      isShutDown = true;
    },
  };
}

const DEFAULT_STREAM = 'Custom-Audit_CL';

interface Item {
  readonly row: LogsRow;
  readonly bytes: number;
}

/** Delivery does the retries; a redirect would carry records and token to a stranger. */
function quiet(audience: string): LogsIngestionClientOptions {
  return { audience, retryOptions: { maxRetries: 0 }, redirectOptions: { maxRetries: 0 } };
}

function load(): typeof import('@azure/monitor-ingestion') {
  try {
    return require('@azure/monitor-ingestion') as typeof import('@azure/monitor-ingestion');
  } catch (cause) {
    throw new AuditError('ERR_AUDIT_EXPORTER', `azure-logs: @azure/monitor-ingestion cannot be loaded: ${messageOf(cause)}`, { cause });
  }
}
