import '../../support/network-guard.js';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AZURE_ATTRIBUTES, MAX_PIECES, pieceName } from '../../../exporters/azure/envelope/names.js';
import { ATTRIBUTES, FLAGGED } from '../../../src/attributes.js';
import { analyzeKql } from '../../support/kql.js';

const FOLDER = join(__dirname, '../../../../samples/azure/kql');
const TRAIL = readFileSync(join(FOLDER, 'trail.kql'), 'utf8');

/** What a customDimensions key may be: an attribute, or a piece of one. */
const KNOWN = new Set([FLAGGED, ...ATTRIBUTES.map((definition) => definition.name), ...AZURE_ATTRIBUTES].flatMap((name) => piecesOf(name)));

function piecesOf(name: string): readonly string[] {
  return Array.from({ length: MAX_PIECES }, (_, index) => pieceName(name, index + 1));
}

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.kql'))) {
  const query = readFileSync(join(FOLDER, file), 'utf8');

  test(`${file} has no fault, says what it answers, and reads only attributes that exist`, () => {
    const { faults, columns, dimensionKeys } = analyzeKql(query);
    assert.deepEqual(faults, []);
    assert.ok(columns.length > 0);
    assert.ok(dimensionKeys.length > 0);
    assert.deepEqual(
      dimensionKeys.filter((key) => !KNOWN.has(key)),
      [],
    );
    assert.match(query, /^\/\/ .*\?$/m);
  });
}

test('the trail is a readable table', () => {
  const { columns } = analyzeKql(TRAIL);
  assert.deepEqual(columns.slice(0, 9), [
    'occurredAt:datetime',
    'actor:string',
    'actorType:string',
    'verified:bool',
    'tenant:string',
    'action:string',
    'target:string',
    'outcome:string',
    'status:int',
  ]);
});

test('the trail rejoins every piece a body can be in', () => {
  const keys = new Set(analyzeKql(TRAIL).dimensionKeys);
  for (const name of ['audit.request.body', 'audit.response.body', 'audit.part.text']) {
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
    ['cloud_RoleName', 'cloud_RoleNmae'],
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
