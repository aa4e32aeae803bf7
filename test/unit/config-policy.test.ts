import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { loadConfig } from '../../src/config.js';
import { RULE_MEMBERS } from '../../src/config-policy.js';
import { AuditConfigError } from '../../src/errors.js';

const SCHEMA = JSON.parse(readFileSync(path.join(__dirname, '../../../src/policy.schema.json'), 'utf8'));
const { properties } = SCHEMA.$defs.rule;

const parse = (rule: object) => loadConfig({ env: {}, directory: '/', overrides: { policy: [rule] } }).policy.rules[0];

describe('a rule of the policy', () => {
  it('has the members that the shipped JSON Schema lists, and no other', () => {
    assert.deepEqual(Object.keys(properties).sort(), [...RULE_MEMBERS.rule].sort());
    assert.deepEqual(Object.keys(properties.match.properties).sort(), [...RULE_MEMBERS.match].sort());
    for (const level of properties.level.enum) assert.ok(parse({ level }));
    assert.throws(() => parse({ level: 'some' }), AuditConfigError);
  });

  it('is read in the case in which it is compared', () => {
    assert.deepEqual(
      parse({ level: 'full', match: { method: 'get', contentType: 'Text/*', status: '4XX' }, headers: 'X-Trace', target: '/o/:id' }),
      {
        name: 'rule 1',
        level: 'full',
        match: { method: ['GET'], contentType: ['text/*'], status: ['4xx'] },
        headers: ['x-trace'],
        target: { pattern: '/o/:id' },
      },
    );
  });

  it('has a target that can be found', () => {
    for (const target of ['/orders', 'orders/:id', '/**/:id', { pattern: '/a/:b', id: 'c' }])
      assert.throws(() => parse({ level: 'full', target }), /policy\.0\.target/, JSON.stringify(target));
  });

  it('has a name of its own', () => {
    const policy = [
      { name: 'a', level: 'full' },
      { name: 'a', level: 'none' },
    ];
    assert.throws(() => loadConfig({ env: {}, directory: '/', overrides: { policy } }), /policy: must not have two rules of the same name/);
  });

  for (const wish of [{ delivery: 'confirmed' }, { delivery: 'strict' }, { start: true }]) {
    it(`takes ${JSON.stringify(wish)} only where the start of the request decides`, () => {
      const overrides = { FILE_DIR: '/audit', EXPORTER: ['file'] };
      const config = (match: object) =>
        loadConfig({ env: {}, directory: '/', overrides: { ...overrides, policy: [{ level: 'full', match, ...wish }] } });
      assert.deepEqual(config({ method: 'POST', path: '/pay' }).policy.rules[0], {
        level: 'full',
        match: { method: ['POST'], path: ['/pay'] },
        name: 'rule 1',
        ...wish,
      });
      for (const match of [{ status: 500 }, { route: '/pay' }, { actorType: 'admin' }, { tenant: 'acme' }, { contentType: 'text/*' }]) {
        assert.throws(
          () => config({ path: '/pay', ...match }),
          /policy\.0: delivery and start need a rule that matches on method and path alone/,
        );
      }
    });
  }
});
