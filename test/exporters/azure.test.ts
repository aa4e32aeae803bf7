/** The Azure exporter against the local ingestion endpoint: the contract. Failures, mapping and the way back have files of their own. */

import '../support/network-guard.js';
import { createAzureExporter, recordsFromEnvelopes } from '../../exporters/azure/index.js';
import type { JournalledRecord } from '../../src/record.js';
import { exporterContract } from '../../src/testing/exporter-contract.js';
import { HANG, type IngestionBehaviour } from '../support/ingestion-behaviours.js';
import { type IngestionRequest, startIngestionServer } from '../support/ingestion-server.js';

const POISON = 'poisoned';

exporterContract('azure', {
  create: async () => {
    const server = await startIngestionServer({ respond: refusePoison });
    return {
      exporter: createAzureExporter({ connectionString: server.connectionString }),
      read: async () => recordsFromEnvelopes(server.items).records as readonly JournalledRecord[],
      close: server.close,
    };
  },
  createStalled: async () => {
    const server = await startIngestionServer({ respond: () => HANG });
    return { exporter: createAzureExporter({ connectionString: server.connectionString }), close: server.close };
  },
  duplicates: 'by-id',
  poison: (record) => ({ ...record, action: POISON }),
});

/** Whatever a record holds, the exporter makes it fit; so the service has to be the one that refuses. */
function refusePoison({ items }: IngestionRequest): IngestionBehaviour {
  const errors: Record<number, { status: number; message: string }> = {};
  items.forEach((item, index) => {
    if (item.data.baseData.properties?.['audit.action'] === POISON) errors[index] = { status: 400, message: 'Field is invalid' };
  });
  return { kind: 'items', errors };
}
