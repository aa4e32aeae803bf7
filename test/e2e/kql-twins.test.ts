/** What each query of the pack answers about a planted trail is what its twin in SQL answers about the same records in Postgres. */

import '../support/network-guard.js';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createPostgresExporter } from '../../exporters/postgres/index.js';
import { canonicalize } from '../../src/canonical.js';
import { messageOf } from '../../src/errors.js';
import { emptySchema } from '../support/audit-schema.js';
import { mutantsOf } from '../support/kql-mutants.js';
import { type KqlRow, kqlScope, runKql, type Scope } from '../support/kql-run.js';
import { plantTrail } from '../support/kql-trail.js';
import { query, startPostgres, type TestPostgres } from '../support/postgres.js';
import { ROOT } from '../support/service.js';

const { buildPack } = require(path.join(ROOT, 'samples/azure/source/pack.js')) as {
  buildPack(): Readonly<Record<string, { readonly appInsights: string; readonly workspace: string }>>;
};
const PACK = buildPack();
const FUNCTIONS = readFileSync(path.join(ROOT, 'samples/azure/source/functions.kql'), 'utf8');
const TWINS = path.join(ROOT, 'test/fixtures/kql-twins');
// Half past an hour: records are planted at hours of the day.
const NOW = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 1_800_000;

describe('a query of the pack', { timeout: 240_000 }, () => {
  let postgres: TestPostgres;
  const { records, customEvents } = plantTrail(NOW);
  const answers = new Map<string, readonly string[]>();

  before(async () => {
    postgres = await startPostgres();
    const url = await emptySchema(postgres.url);
    const exporter = createPostgresExporter({ url });
    const acknowledgements = await exporter.export(records, AbortSignal.timeout(60_000));
    await exporter.shutdown();
    assert.deepEqual(
      acknowledgements.filter(({ status }) => status !== 'delivered'),
      [],
    );
    await query(url, 'CREATE TABLE arrivals (record_id text, event text, item_count int)');
    await query(url, 'INSERT INTO arrivals SELECT * FROM json_to_recordset($1) AS arrived (record_id text, event text, item_count int)', [
      JSON.stringify(customEvents.map(arrivalOf)),
    ]);
    await query(url, readFileSync(path.join(TWINS, 'views.sql'), 'utf8'));
    const now = `timestamptz '${new Date(NOW).toISOString()}'`;
    for (const name of Object.keys(PACK)) {
      const twin = readFileSync(path.join(TWINS, `${name}.sql`), 'utf8').replaceAll(':now', now);
      answers.set(name, comparable(await query(url, twin)));
    }
  });
  after(() => postgres.stop());

  const scope = kqlScope({ customEvents }, NOW, FUNCTIONS);
  for (const [name, { appInsights, workspace }] of Object.entries(PACK)) {
    it(`${name} answers what its twin answers, in either scope`, () => {
      const expected = answers.get(name) ?? [];
      assert.ok(expected.length > 0, 'the trail has what it looks for');
      assert.deepEqual(answerOf(appInsights, kqlScope({ customEvents }, NOW)), expected);
      assert.deepEqual(answerOf(workspace, kqlScope({ AppEvents: customEvents.map(asWorkspaceRow) }, NOW)), expected);
    });

    it(`${name} answers something else with any of its filters changed`, () => {
      const own = appInsights.slice(appInsights.search(/^let window = /m));
      assert.deepEqual(answerOf(own, scope), answers.get(name));
      const survivors = mutantsOf(own).filter(({ text }) => isSame(answerOf(text, scope), answers.get(name)));
      assert.deepEqual(
        survivors.map(({ change }) => change),
        [],
      );
    });
  }

  it('is built on functions of which no filter can change without another answer', () => {
    const survivors = mutantsOf(FUNCTIONS).filter(({ text }) => {
      const mutated = kqlScope({ customEvents }, NOW, text);
      return ['trail', 'actor-trail'].every((name) => {
        const { appInsights = '' } = PACK[name] ?? {};
        return isSame(answerOf(appInsights.slice(appInsights.search(/^let window = /m)), mutated), answers.get(name));
      });
    });
    assert.deepEqual(
      survivors.map(({ change }) => change),
      [],
    );
  });
});

/** A mutant that is no query any more answers something else as well. */
function answerOf(text: string, scope: Scope): readonly string[] {
  try {
    return comparable(runKql(text, scope));
  } catch (error) {
    return [`fails: ${messageOf(error)}`];
  }
}

function isSame(one: readonly string[], other: readonly string[] | undefined): boolean {
  return one.length === other?.length && one.every((row, index) => row === other[index]);
}

function arrivalOf({ name, customDimensions, itemCount }: KqlRow): object {
  const dimensions = customDimensions as Readonly<Record<string, string>>;
  const id = name === 'audit.part' ? dimensions['audit.refers_to'] : dimensions['audit.record.id'];
  return { record_id: id, event: name, item_count: itemCount };
}

function asWorkspaceRow({ timestamp, name, customDimensions, operation_Id, cloud_RoleName, itemCount }: KqlRow): KqlRow {
  return {
    TimeGenerated: timestamp,
    Name: name,
    Properties: customDimensions,
    OperationId: operation_Id,
    AppRoleName: cloud_RoleName,
    ItemCount: itemCount,
  };
}

/** Rows as text, in any order; null and the empty text are the same, sets have no order. */
function comparable(rows: readonly KqlRow[]): readonly string[] {
  return rows.map((row) => canonicalize(plain(row))).sort();
}

function plain(value: unknown): unknown {
  if (value === null || value === undefined) return '';
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((item) => canonicalize(plain(item))).sort();
  if (typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
  // Long ones would bury the difference in a failure's message.
  if (typeof value === 'string' && value.length > 200)
    return `${value.length} characters, ${createHash('sha256').update(value).digest('hex')}`;
  return typeof value === 'string' && /^-?\d+(?:\.\d+)?$/.test(value) ? Number(value) : value;
}
