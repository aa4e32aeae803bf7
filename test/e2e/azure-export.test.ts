import '../support/network-guard.js';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { createAzureExporter } from '../../exporters/azure/index.js';
import { ringOfKey } from '../../src/integrity/key-ring.js';
import { type Verification, verifyTrail } from '../../src/integrity/verify.js';
import { isAzureExport, openAzureTrail } from '../../src/trail/azure-trail.js';
import { startIngestionServer } from '../support/ingestion-server.js';
import { signedStream, signingKey } from '../support/signed-trail.js';
import { makeDirectory } from '../support/waiting.js';

interface Envelope {
  readonly data: { readonly baseData: { readonly name?: string; readonly properties?: Readonly<Record<string, string>> } };
}

test('a trail in Application Insights is verified from an export, however it was made', async (t) => {
  const directory = makeDirectory();
  const server = await startIngestionServer();
  t.after(() => server.close());
  const exporter = createAzureExporter({ connectionString: server.connectionString });
  const { records } = await signedStream();
  await exporter.export(records, AbortSignal.timeout(10_000));
  await exporter.shutdown();
  const envelopes = server.items as readonly Envelope[];
  const rows = envelopes.map(({ data: { baseData } }) => ({ name: baseData.name, customDimensions: baseData.properties ?? {} }));
  const table = {
    tables: [
      {
        columns: [{ name: 'name' }, { name: 'customDimensions' }],
        rows: rows.map((row) => [row.name, JSON.stringify(row.customDimensions)]),
      },
    ],
  };

  const verify = (content: string): Promise<Verification> => {
    const file = path.join(directory, 'export.json');
    writeFileSync(file, content);
    assert.ok(isAzureExport(file));
    return verifyTrail({
      trail: { ...openAzureTrail(file), isComplete: true },
      keys: ringOfKey(signingKey()),
      graceMs: 0,
      nowMs: Date.now(),
    });
  };
  const forms: Readonly<Record<string, string>> = {
    envelopes: JSON.stringify(envelopes),
    rows: JSON.stringify(rows, undefined, 2),
    'rows as lines': rows.map((row) => JSON.stringify(row)).join('\n'),
    'an answer of the query API': JSON.stringify(table, undefined, 2),
  };
  for (const [form, content] of Object.entries(forms)) {
    const { findings, unproven, signed } = await verify(content);
    assert.deepEqual([findings, unproven, signed], [[], [], records.length], form);
  }

  const altered = await verify(
    JSON.stringify(
      rows.map((row, index) => (index === 3 ? { ...row, customDimensions: { ...row.customDimensions, 'audit.actor.id': 'x' } } : row)),
    ),
  );
  assert.deepEqual(
    altered.findings.map(({ kind, fromSeq }) => [kind, fromSeq]),
    [['modified', 4]],
  );
  const cut = await verify(JSON.stringify(rows.toSpliced(4, 2)));
  assert.deepEqual(
    cut.findings.map(({ kind }) => kind),
    ['missing'],
  );
});
