/** The ARM template and the workbook: what they name is there, what they ask is the pack's, and it is as ARM demands. */

import '../../support/network-guard.js';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { COLUMNS } from '../../../exporters/azure-logs/columns.js';
import { analyzeKql } from '../../support/kql.js';
import { ROOT } from '../../support/service.js';

interface Resource {
  readonly type: string;
  readonly apiVersion: string;
  readonly name: string;
  readonly location?: string;
  readonly kind?: string;
  readonly scope?: string;
  readonly condition?: string;
  readonly dependsOn?: readonly string[];
  readonly properties: Readonly<Record<string, unknown>>;
}

interface Template {
  readonly $schema: string;
  readonly contentVersion: string;
  readonly parameters: Readonly<
    Record<string, { readonly type: string; readonly defaultValue?: unknown; readonly metadata?: { readonly description: string } }>
  >;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly resources: readonly Resource[];
  readonly outputs: Readonly<Record<string, { readonly type: string; readonly value: string }>>;
}

interface Item {
  readonly type: number;
  readonly name: string;
  readonly content: {
    readonly query?: string;
    readonly title?: string;
    readonly parameters?: readonly { readonly name: string; readonly id: string; readonly query?: string }[];
  };
}

const AZURE = path.join(ROOT, 'samples/azure');
const TEXT = readFileSync(path.join(AZURE, 'azuredeploy.json'), 'utf8');
const TEMPLATE = JSON.parse(TEXT) as Template;
const WORKBOOK = JSON.parse(readFileSync(path.join(AZURE, 'workbook.json'), 'utf8')) as {
  readonly version: string;
  readonly items: readonly Item[];
};

const ofType = (type: string): readonly Resource[] => TEMPLATE.resources.filter((resource) => resource.type === type);
const only = (type: string): Resource => {
  const [resource, ...more] = ofType(type);
  assert.ok(resource !== undefined && more.length === 0, type);
  return resource;
};
/** A query of the pack without its window, which workbook and alerts set. */
const timeless = (kql: string): string => kql.replace(/^let window = .*;$/m, 'let window = …;');
const packed = (name: string): string => timeless(readFileSync(path.join(AZURE, 'kql', `${name}.kql`), 'utf8'));

describe('the ARM template', () => {
  it('has what a deployment needs, and each resource a type, a version, a name and a place', () => {
    assert.match(TEMPLATE.$schema, /deploymentTemplate\.json#$/);
    assert.match(TEMPLATE.contentVersion, /^\d+\.\d+\.\d+\.\d+$/);
    for (const { type, apiVersion, name, location, scope, properties } of TEMPLATE.resources) {
      assert.match(type, /^Microsoft\.\w+(?:\/\w+)+$/);
      assert.match(apiVersion, /^\d{4}-\d\d-\d\d$/);
      assert.match(name, /^\[.+\]$/, type);
      assert.ok(location !== undefined || scope !== undefined || type.split('/').length > 2, `${type} has no place`);
      assert.ok(Object.keys(properties).length > 0);
    }
    for (const { metadata } of Object.values(TEMPLATE.parameters)) assert.match(metadata?.description ?? '', /\w.*\.$/);
  });

  it('uses every parameter and variable it declares, and none that it does not', () => {
    for (const [kind, declared] of [
      ['parameters', Object.keys(TEMPLATE.parameters)],
      ['variables', Object.keys(TEMPLATE.variables)],
    ] as const) {
      const used = [...TEXT.matchAll(new RegExp(`${kind}\\('(\\w+)'\\)`, 'g'))].map(([, name]) => name);
      assert.deepEqual([...new Set(used)].sort(), [...declared].sort());
    }
  });

  it('can be deployed with no parameter at all', () => {
    for (const [name, { defaultValue }] of Object.entries(TEMPLATE.parameters)) assert.notEqual(defaultValue, undefined, name);
  });

  it('has balanced expressions, and depends only on what it makes', () => {
    const made = TEMPLATE.resources.map(({ type }) => type);
    for (const expression of expressionsIn(TEMPLATE)) {
      let depth = 0;
      for (const character of expression.replace(/'[^']*'/g, '')) {
        depth += character === '(' ? 1 : character === ')' ? -1 : 0;
        assert.ok(depth >= 0, expression);
      }
      assert.equal(depth, 0, expression);
      for (const [, type = ''] of expression.matchAll(/(?<!subscription)[rR]esourceId\('([^']+)'/g))
        assert.ok(made.includes(type), `${type} is not made`);
    }
    const names = TEMPLATE.resources.map(({ type, name, scope }) => `${type} ${name} ${scope ?? ''}`);
    assert.equal(new Set(names).size, names.length);
  });

  it('keeps below the limits of a deployment', () => {
    assert.ok(TEXT.length < 4 * 1_048_576);
    for (const value of Object.values(TEMPLATE.variables)) assert.ok(String(value).length < 131_072);
    assert.ok(TEMPLATE.resources.length < 800 && Object.keys(TEMPLATE.parameters).length < 256);
  });

  it('makes a workspace-based resource of its own, without sampling', () => {
    const { properties } = only('Microsoft.Insights/components');
    assert.equal(properties['SamplingPercentage'], 100);
    assert.match(String(properties['WorkspaceResourceId']), /workspaces/);
  });

  it('alerts by queries of the pack, each on the resource it makes', () => {
    const alerts = ofType('Microsoft.Insights/scheduledQueryRules');
    const names = alerts.map(({ name }) => /'-([\w-]+)'/.exec(name)?.[1] ?? '');
    assert.deepEqual([...names].sort(), [
      'cross-tenant',
      'failed-logins',
      'heartbeat-gaps',
      'ingestion-sampling',
      'losses',
      'sequence-gaps',
    ]);
    alerts.forEach(({ kind, properties }, index) => {
      const { severity, evaluationFrequency, windowSize, scopes, criteria, enabled } = properties as Readonly<Record<string, unknown>> & {
        readonly criteria: {
          readonly allOf: readonly {
            readonly query: string;
            readonly timeAggregation: string;
            readonly operator: string;
            readonly threshold: number;
            readonly failingPeriods: object;
          }[];
        };
      };
      assert.deepEqual([kind, enabled], ['LogAlert', true]);
      assert.ok(Number.isInteger(severity) && Number(severity) >= 0 && Number(severity) <= 4);
      // The service knows these, and looks back two days at most.
      for (const duration of [evaluationFrequency, windowSize])
        assert.match(String(duration), /^(?:PT(?:1|5|10|15|30|45)M|PT[1-6]H|P[12]D)$/);
      assert.deepEqual(scopes, ["[resourceId('Microsoft.Insights/components', parameters('name'))]"]);
      const [condition, ...more] = criteria.allOf;
      assert.deepEqual(more, []);
      assert.equal(timeless(condition?.query ?? ''), packed(names[index] ?? ''));
      assert.deepEqual(analyzeKql(condition?.query ?? '').faults, []);
      assert.deepEqual([condition?.timeAggregation, condition?.operator, condition?.threshold], ['Count', 'GreaterThan', 0]);
      const window = /^let window = (\d+[hd]);$/m.exec(condition?.query ?? '')?.[1]?.toUpperCase() ?? '';
      assert.equal(windowSize, window.endsWith('D') ? `P${window}` : `PT${window}`);
    });
  });

  it('saves the queries and functions for the workspace, all of which are sound there', () => {
    const saved = ofType('Microsoft.OperationalInsights/workspaces/savedSearches').map(
      ({ properties }) => properties as Readonly<Record<string, string>>,
    );
    const functions = saved.filter(({ functionAlias }) => functionAlias !== undefined);
    assert.deepEqual(functions.map(({ functionAlias }) => functionAlias).sort(), ['AuditBodies', 'AuditDeeds', 'AuditRecords']);
    for (const { query = '', functionParameters } of functions) {
      assert.equal(functionParameters, 'window:timespan');
      assert.deepEqual(analyzeKql(`let window = 1d;\n${query}`).faults, []);
    }
    assert.equal(saved.length - functions.length, 20);
    for (const { query = '', displayName } of saved.filter(({ functionAlias }) => functionAlias === undefined)) {
      assert.match(displayName ?? '', /\?$/);
      assert.deepEqual(analyzeKql(query).faults, []);
    }
  });

  it('declares the table, the stream and the role that azure-logs needs', () => {
    const table = only('Microsoft.OperationalInsights/workspaces/tables').properties['schema'] as {
      readonly name: string;
      readonly columns: readonly { readonly name: string; readonly type: string }[];
    };
    assert.equal(table.name, 'Audit_CL');
    assert.deepEqual(
      table.columns.map(({ name, type }) => [name, type.toLowerCase()]),
      COLUMNS.map(({ name, type }) => [name, type]),
    );
    const { kind, properties } = only('Microsoft.Insights/dataCollectionRules');
    assert.equal(kind, 'Direct');
    const { streamDeclarations, dataFlows } = properties as {
      readonly streamDeclarations: Readonly<Record<string, { readonly columns: unknown }>>;
      readonly dataFlows: readonly object[];
    };
    assert.deepEqual(
      streamDeclarations['Custom-Audit_CL']?.columns,
      COLUMNS.map(({ name, type }) => ({ name, type })),
    );
    assert.deepEqual(dataFlows, [
      { streams: ['Custom-Audit_CL'], destinations: ['trail'], transformKql: 'source', outputStream: 'Custom-Audit_CL' },
    ]);
    const roles = ofType('Microsoft.Authorization/roleAssignments');
    assert.deepEqual(roles.map(({ scope }) => /'(Microsoft\.\w+\/\w+)'/.exec(scope ?? '')?.[1]).sort(), [
      'Microsoft.Insights/components',
      'Microsoft.Insights/dataCollectionRules',
    ]);
    for (const { properties: role } of roles) assert.match(String(role['roleDefinitionId']), /3913510d-42f4-4e42-8a64-420c390055eb/);
  });

  it('carries the workbook as it is', () => {
    const { properties, kind, name } = only('Microsoft.Insights/workbooks');
    assert.deepEqual([kind, properties['category'], properties['version']], ['shared', 'workbook', '1.0']);
    assert.match(name, /^\[guid\(/);
    assert.deepEqual(JSON.parse(String(TEMPLATE.variables['workbookData'])), WORKBOOK);
  });
});

describe('the workbook', () => {
  const parameters = WORKBOOK.items.flatMap(({ content }) => content.parameters ?? []);
  const queries = WORKBOOK.items.flatMap(({ content }) =>
    content.query === undefined ? [] : [content as { readonly query: string; readonly title: string }],
  );

  it('filters by time, actor, tenant and outcome, and opens one record', () => {
    assert.equal(WORKBOOK.version, 'Notebook/1.0');
    assert.deepEqual(
      parameters.map(({ name }) => name),
      ['TimeRange', 'Actor', 'Tenant', 'Outcome'],
    );
    assert.ok(JSON.stringify(WORKBOOK).includes('"exportedParameters":[{"fieldName":"recordId","parameterName":"Record"'));
    for (const { type } of WORKBOOK.items) assert.ok([1, 3, 9].includes(type));
    assert.equal(new Set(WORKBOOK.items.map(({ name }) => name)).size, WORKBOOK.items.length);
  });

  it('asks nothing that is not sound once its parameters are filled in, and names no parameter that it has not', () => {
    const known = new Set([...parameters.map(({ name }) => name), 'Record']);
    for (const query of [...queries.map((one) => one.query), ...parameters.flatMap((one) => one.query ?? [])]) {
      const filled = query
        .replaceAll('{TimeRange:startISO}', '2026-11-22T00:00:00Z')
        .replaceAll('{TimeRange:grain}', '1h')
        .replaceAll('{Record}', 'id')
        .replace(/\{(\w+)\}/g, (text, name: string) => (known.has(name) ? "'a','b'" : text));
      assert.deepEqual(analyzeKql(filled).faults, []);
      assert.doesNotMatch(filled, /\{\w+(?::\w+)?\}/);
    }
  });

  it("asks the pack's questions in the pack's words, all but those that need a name", () => {
    const asked = new Set(queries.map(({ query }) => timeless(query)));
    const findings = [
      'failed-logins',
      'privilege-use',
      'cross-tenant',
      'unusual-hours',
      'unusual-countries',
      'data-exports',
      'latency-by-route',
    ];
    const health = ['sequence-gaps', 'chain-breaks', 'heartbeat-gaps', 'drop-counters', 'losses', 'duplicates', 'ingestion-sampling'];
    for (const name of [...findings, ...health]) assert.ok(asked.has(packed(name)), name);
    const trail = queries.find(({ query }) => query.includes('AuditBodies(window) on recordId'));
    assert.equal(timeless(trail?.query ?? '').replace(/^\| where '\*' in .*\n/gm, ''), packed('trail'));
  });
});

function expressionsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return /^\[[^[].*\]$/s.test(value) ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(expressionsIn) : [];
}
