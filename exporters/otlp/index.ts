/** Delivers audit records as OpenTelemetry log records over OTLP/HTTP, and says truly which of them the receiver accepted. */

import { Agent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { AuditConfigError } from '../../src/errors.js';
import { type AuditExporter, allRetry } from '../../src/exporter.js';
import { createDeliver } from '../deliver.js';
import { logsUrl, otlpFaults } from './endpoint.js';
import { createLogRecords, type OtlpLogRecord } from './log-record.js';
import { createSend } from './send.js';

export { parseHeaders } from './endpoint.js';
export { recordFromAttributes } from './log-record.js';

export interface OtlpExporterOptions {
  /** `http://collector:4318`, to which `/v1/logs` is added, or the whole address. */
  readonly endpoint: string;
  /** Sent with each request, for a receiver that wants to know who sends. Secrets. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Default `otlp`. */
  readonly name?: string;
  /** Default: compressed. */
  readonly gzip?: boolean;
  /** Uncompressed bytes of one request. Default 2,000,000; a collector takes 20 MB by default. */
  readonly maxRequestBytes?: number;
  /** Default 10,000. */
  readonly requestTimeoutMs?: number;
}

/**
 * `delivered` means: the receiver has accepted it. What a collector does with it afterwards is its configuration's matter.
 *
 * @throws {AuditConfigError} ERR_AUDIT_CONFIG when the endpoint is no http or https URL.
 */
export function createOtlpExporter(options: OtlpExporterOptions): AuditExporter {
  const faults = otlpFaults(options.endpoint, '');
  if (faults.length > 0) throw new AuditConfigError(faults);
  const url = logsUrl(options.endpoint);
  const agent = url.startsWith('https:') ? new HttpsAgent({ keepAlive: true }) : new Agent({ keepAlive: true });
  const logRecordOf = createLogRecords();
  const deliver = createDeliver<OtlpLogRecord>({
    send: createSend({
      url,
      agent,
      headers: options.headers ?? {},
      gzip: options.gzip ?? true,
      requestTimeoutMs: options.requestTimeoutMs ?? 10_000,
    }),
    itemsOf: (record) => [logRecordOf(record)],
    bytesOf: roughBytes,
    maxRequestBytes: options.maxRequestBytes ?? 2_000_000,
  });
  let isShutDown = false;
  return {
    name: options.name ?? 'otlp',
    export: async (records, signal) => (isShutDown ? allRetry(records.length, 'the exporter is shut down') : deliver(records, signal)),
    async shutdown() {
      isShutDown = true;
      agent.destroy();
    },
  };
}

const RECORD_BYTES = 100; // times, ids and lengths

function roughBytes({ attributes }: OtlpLogRecord): number {
  let bytes = RECORD_BYTES;
  for (const name in attributes) {
    const value = attributes[name];
    bytes += name.length + 8 + (typeof value === 'string' ? value.length : 8);
  }
  return bytes;
}
