/** Delivers audit records to Application Insights as custom events, and says truly which of them the service accepted. */

import { AuditConfigError } from '../../src/errors.js';
import { type AuditExporter, allRetry } from '../../src/exporter.js';
import { createDeliver, type Deliver, worse } from '../deliver.js';
import { judge } from './acknowledge.js';
import { azureFaults, parseConnectionString } from './connection-string.js';
import type { AuditItem } from './envelope/item.js';
import { eventsOf } from './envelope/log-record.js';
import { requestsOf } from './envelope/server-span.js';
import type { SdkCredential, Signal } from './transport/sdk.js';
import { createTransport, type Transport } from './transport/transport.js';

export { type AuditEnvelope, type RebuiltRecords, recordsFromEnvelopes } from './envelope/rebuild.js';

export interface AzureExporterOptions {
  /** From the resource's overview page. Plain http only to this machine. */
  readonly connectionString: string;
  /** Entra ID instead of the key alone, e.g. `new DefaultAzureCredential()`. Needs the role Monitoring Metrics Publisher. */
  readonly credential?: SdkCredential;
  /**
   * `['events']` by default. With `'requests'` each finished request is a row of `requests` as well, with the same dimensions but
   * the bodies: for a resource of its own, since the service's SDK sends requests too.
   */
  readonly signals?: readonly Signal[];
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
  const faults = azureFaults(options.connectionString, options.credential);
  if (faults.length > 0) throw new AuditConfigError(faults);
  const connection = parseConnectionString(options.connectionString);
  const transports: Transport[] = [];
  const deliverOf = (signal: Signal): Deliver => {
    const { credential, requestTimeoutMs = 10_000, maxRequestBytes = 2_000_000, gzip = !connection.insecure } = options;
    const tags = { clientAddress: options.clientAddressTag ?? false, user: options.userTag ?? false };
    const transport = createTransport({ signal, connection, credential, gzip, requestTimeoutMs });
    transports.push(transport);
    const itemsOf = signal === 'events' ? eventsOf : requestsOf;
    return createDeliver<AuditItem>({
      send: async (items, signal) => judge(await transport.send(items, signal), items.length, Date.now()),
      itemsOf: (record) => itemsOf(record, tags),
      bytesOf: ({ properties }) => ENVELOPE_BYTES + properties.length,
      maxRequestBytes,
    });
  };
  const events = deliverOf('events');
  const deliver = options.signals?.includes('requests') === true ? both(events, deliverOf('requests')) : events;
  let closing: Promise<void> | undefined;
  return {
    name: options.name ?? 'azure',
    // A closed SDK converts nothing, which would read as a record that nobody can ever convert.
    export: async (records, signal) =>
      closing === undefined ? deliver(records, signal) : allRetry(records.length, 'the exporter is shut down'),
    shutdown() {
      closing ??= Promise.all(transports.map((transport) => transport.close())).then(() => undefined);
      return closing;
    },
  };
}

const ENVELOPE_BYTES = 700; // an envelope without properties

/** The second for what the first has delivered: a record that is offered again has both again. */
function both(first: Deliver, second: Deliver): Deliver {
  return async (records, signal) => {
    const results = [...(await first(records, signal))];
    const places = results.flatMap((result, place) => (result.status === 'delivered' ? [place] : []));
    const others = await second(
      places.flatMap((place) => records[place] ?? []),
      signal,
    );
    places.forEach((place, index) => {
      results[place] = worse(results[place], others[index] ?? { status: 'retry', reason: 'not sent' });
    });
    return results;
  };
}
