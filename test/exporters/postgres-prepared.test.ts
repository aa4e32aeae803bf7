import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPostgresExporter, createTables, fromRow, SELECT_LIST } from '../../exporters/postgres/index.js';
import type { LineExporter } from '../../src/line-exporter.js';
import { lineOf, type RecordLine } from '../../src/record-line.js';
import { exampleRecords, verifies } from '../../src/testing/records.js';
import { emptySchema } from '../support/audit-schema.js';
import { query, startPostgres } from '../support/postgres.js';

const COUNT = 1300;

test('stores what it is offered, whatever it was told to get ready for', async (t) => {
  const server = await startPostgres();
  t.after(() => server.stop());
  const url = await emptySchema(server.url);
  await createTables(url);
  const exporter = createPostgresExporter({ url }) as LineExporter;
  t.after(() => exporter.shutdown());
  const lines = exampleRecords(COUNT).map(lineOf);
  const part = (from: number, to: number): readonly RecordLine[] => lines.slice(from, to);

  /** Each while the one before is out: that it gets ready for these, and is then offered those. */
  const steps: readonly (readonly [ready: readonly (readonly RecordLine[])[], offered: readonly RecordLine[]])[] = [
    [[], part(0, 600)],
    [[part(600, 1200)], part(600, 1000)],
    // Twice over, and then others of the same number.
    [
      [part(1, 51), part(1000, 1050)],
      [...part(1000, 1010), ...part(1011, 1051)],
    ],
    [[part(1051, 1300)], part(1010, 1011)],
    [[part(1051, 1300)], part(1051, 1300)],
  ];
  let out: Promise<unknown> = Promise.resolve();
  for (const [ready, offered] of steps) {
    for (const one of ready) exporter.prepare(one);
    await out;
    const answers = exporter.exportLines(offered, AbortSignal.timeout(60_000));
    out = answers.then((given) => assert.ok(given.length === offered.length && given.every(({ status }) => status === 'delivered')));
  }
  await out;

  const rows = await query(url, `SELECT ${SELECT_LIST} FROM audit_logs ORDER BY seq`);
  assert.deepEqual(
    rows.map(({ id }) => id),
    lines.map(({ record }) => record.id),
  );
  assert.ok(rows.every((row) => verifies(fromRow(row))));
});
