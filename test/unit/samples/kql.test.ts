import '../../support/network-guard.js';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { AZURE_ATTRIBUTES, MAX_PIECES, pieceName } from '../../../exporters/azure/envelope/names.js';
import { ATTRIBUTES, FLAGGED } from '../../../src/attributes.js';
import { analyzeKql } from '../../support/kql.js';
import { ROOT } from '../../support/service.js';

const FOLDER = path.join(ROOT, 'samples/azure/kql');
const TRAIL = readFileSync(path.join(FOLDER, 'trail.kql'), 'utf8');
const QUERIES = filesIn(FOLDER);

/** What a customDimensions key may be: an attribute, or a piece of one. */
const KNOWN = new Set([FLAGGED, ...ATTRIBUTES.map((definition) => definition.name), ...AZURE_ATTRIBUTES].flatMap((name) => piecesOf(name)));

function piecesOf(name: string): readonly string[] {
  return Array.from({ length: MAX_PIECES }, (_, index) => pieceName(name, index + 1));
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => name.endsWith('.kql'));
}

for (const file of QUERIES) {
  test(`${file} has no fault, says what it answers, and reads only attributes that exist, in either scope`, () => {
    const query = readFileSync(path.join(FOLDER, file), 'utf8');
    const { faults, columns, dimensionKeys } = analyzeKql(query);
    assert.deepEqual(faults, []);
    assert.ok(columns.length > 0);
    assert.deepEqual(
      dimensionKeys.filter((key) => !KNOWN.has(key)),
      [],
    );
    assert.match(query, /^\/\/ [A-Z].*\?$/m);
    const workspace = analyzeKql(readFileSync(path.join(FOLDER, 'workspace', file), 'utf8'));
    assert.deepEqual(workspace, { faults, columns, dimensionKeys });
  });
}

test('what the folder of sources makes is what is there', () => {
  const { buildFiles } = require(path.join(ROOT, 'samples/azure/source/build.js')) as { buildFiles(): Readonly<Record<string, string>> };
  const files = buildFiles();
  for (const [file, text] of Object.entries(files)) {
    assert.equal(
      readFileSync(path.join(ROOT, 'samples/azure', file), 'utf8') === text,
      true,
      `${file}: node samples/azure/source/build.js`,
    );
  }
  const made = Object.keys(files).filter((file) => file.endsWith('.kql'));
  assert.equal(QUERIES.length + filesIn(path.join(FOLDER, 'workspace')).length, made.length);
});

test('a query of a workspace names nothing as Application Insights does', () => {
  for (const file of QUERIES) {
    const query = readFileSync(path.join(FOLDER, 'workspace', file), 'utf8').replace(/\/\/.*/g, '');
    assert.doesNotMatch(query, /customEvents|customDimensions|\btimestamp\b|operation_Id|cloud_RoleName|itemCount/);
  }
});

test('there is a query for every question an auditor starts with', () => {
  const asked = [
    'trail',
    'actor-trail',
    'target-trail',
    'request-trail',
    'failed-logins',
    'privilege-use',
    'cross-tenant',
    'unusual-hours',
    'unusual-countries',
    'data-exports',
    'field-changes',
    'latency-by-route',
    'duplicates',
    'bodies',
    'sequence-gaps',
    'chain-breaks',
    'heartbeat-gaps',
    'drop-counters',
    'losses',
    'ingestion-sampling',
  ];
  assert.deepEqual([...QUERIES].sort(), asked.map((name) => `${name}.kql`).sort());
});

test('the trail rejoins every piece a body can be in', () => {
  const keys = new Set(analyzeKql(TRAIL).dimensionKeys);
  for (const name of ['audit.request.body', 'audit.response.body', 'audit.part.text', 'audit.changes']) {
    assert.deepEqual(
      piecesOf(name).filter((piece) => !keys.has(piece)),
      [],
    );
  }
});

test('the check finds a mistyped attribute, column, table and function', () => {
  const typo = analyzeKql(TRAIL.replace('audit.actor.email', 'audit.actor.emial')).dimensionKeys;
  assert.deepEqual(
    typo.filter((key) => !KNOWN.has(key)),
    ['audit.actor.emial'],
  );
  for (const [right, wrong] of [
    ['operation_Id', 'operation_Ix'],
    ['customEvents', 'customEvent'],
    ['strcat_array', 'strcat_aray'],
  ] as const) {
    assert.match(analyzeKql(TRAIL.replaceAll(right, wrong)).faults.join(), /KS\d+/, wrong);
  }
});

test('no attribute is named like a piece of another', () => {
  const names = new Set([FLAGGED, ...ATTRIBUTES.map((definition) => definition.name), ...AZURE_ATTRIBUTES]);
  const pieces = [...names].flatMap((name) => piecesOf(name).slice(1));
  assert.deepEqual(
    pieces.filter((piece) => names.has(piece)),
    [],
  );
});
