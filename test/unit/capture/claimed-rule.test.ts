import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Claimed, ruleInForce } from '../../../src/capture/claimed-rule.js';
import { compilePolicy } from '../../../src/capture/policy.js';
import type { PolicyRule } from '../../../src/policy-rule.js';

const RULES: readonly PolicyRule[] = [
  { name: 'machines', match: { actorType: ['service'] }, level: 'none' },
  { name: 'admins', match: { actorType: ['admin'] }, level: 'full' },
  { name: 'few', match: { actorType: ['robot'] }, level: 'full', sample: 0.01 },
  { name: 'test tenant', match: { tenant: ['test'] }, level: 'none' },
  { name: 'nobody', match: { actorType: ['anonymous'] }, level: 'none' },
  { name: 'all', match: {}, level: 'request' },
];

function ruleFor(
  type: string,
  verified: boolean,
  { tenantId, ...more }: { tenantId?: string } & Partial<Claimed> = {},
): string | undefined {
  const decision = compilePolicy({ rules: RULES, excludePaths: [] }).atStart({ method: 'POST', rawPath: '/x', headers: {} });
  const actor = { id: 'a', type, verified, tenantId };
  return ruleInForce(decision, { route: undefined, status: 200 }, { actor, tenant: undefined, isTenantClaimed: false, ...more }).rule.name;
}

describe('a rule on actor or tenant', () => {
  it('is in force for whom the service or a key vouches for', () => {
    assert.deepEqual(
      ['service', 'admin', 'robot', 'user'].map((type) => ruleFor(type, true)),
      ['machines', 'admins', 'few', 'all'],
    );
    assert.equal(ruleFor('user', true, { tenantId: 'test', tenant: { id: 'test' } }), 'test tenant');
  });

  it('never has less recorded of who merely claims to be that', () => {
    assert.deepEqual(
      ['service', 'admin', 'robot', 'user'].map((type) => ruleFor(type, false)),
      ['all', 'admins', 'all', 'all'],
    );
    assert.equal(ruleFor('user', false, { tenantId: 'test', tenant: { id: 'test' } }), 'all');
    assert.equal(ruleFor('user', true, { tenant: { id: 'test' }, isTenantClaimed: true }), 'all');
  });

  it('is in force for a tenant that the path or the host names, and for nobody', () => {
    assert.equal(ruleFor('user', false, { tenantId: 'own', tenant: { id: 'test' } }), 'test tenant');
    assert.equal(ruleFor('anonymous', false), 'nobody');
  });
});
