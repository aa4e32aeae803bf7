import '../support/network-guard.js';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { createAzureExporter, recordsFromEnvelopes } from '../../exporters/azure/index.js';
import { canonicalize } from '../../src/canonical.js';
import type { AuditExporter } from '../../src/exporter.js';
import type { AuditRecord } from '../../src/record.js';
import { type IngestionServer, startIngestionServer } from '../support/ingestion-server.js';
import { arbitraryRecord } from './azure/arbitrary-records.js';
import { hashOf } from './azure/audit-records.js';

let server: IngestionServer;
let exporter: AuditExporter;

before(async () => {
  server = await startIngestionServer();
  exporter = createAzureExporter({ connectionString: server.connectionString });
});

after(async () => {
  await exporter.shutdown();
  await server.close();
});

test('rebuilds every record from its envelopes, hash included', async () => {
  const batch = fc
    .integer({ min: 1, max: 4 })
    .chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => arbitraryRecord(index))));
  await fc.assert(
    fc.asyncProperty(batch, async (records) => {
      const from = server.items.length;
      const acknowledgements = await exporter.export(records, AbortSignal.timeout(10_000));
      assert.deepEqual(
        acknowledgements.filter((one) => one.status !== 'delivered'),
        [],
      );
      const rebuilt = recordsFromEnvelopes(server.items.slice(from));
      assert.deepEqual(rebuilt.incomplete, []);
      assert.equal(rebuilt.records.length, records.length);
      rebuilt.records.forEach((record, index) => {
        assert.deepEqual(differingMembers(record, records[index]), []);
        assert.equal(hashOf(record), record.integrity?.hash);
      });
    }),
    // Shrinking bodies of 200 KB takes minutes; the seed is in the message.
    { numRuns: 150, endOnFailure: true, verbose: 0 },
  );
});

/** Their names only: a difference printed whole would be megabytes. */
function differingMembers(one: AuditRecord, other: AuditRecord | undefined): readonly string[] {
  const members = [one, other ?? {}].map((record) => new Map(Object.entries(record)));
  const names = new Set(members.flatMap((member) => [...member.keys()]));
  return [...names].filter((name) => canonicalize(members[0]?.get(name)) !== canonicalize(members[1]?.get(name)));
}
