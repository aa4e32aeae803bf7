import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type CloseFacts, compilePolicy, type StartFacts } from '../../../src/capture/policy.js';
import { explainPolicy } from '../../../src/capture/policy-explain.js';
import type { PolicyRule } from '../../../src/policy-rule.js';

const SEGMENTS = ['a', 'b', 'orders', '..', '%2e%2e', '', 'health'];
const METHODS = ['GET', 'POST', 'OPTIONS', 'get'];
const TYPES = ['application/json', 'multipart/form-data', 'text/plain'];
const STATUSES = [200, 204, 404, 403, 500];

const path = fc.array(fc.constantFrom(...SEGMENTS), { maxLength: 4 }).map((segments) => `/${segments.join('/')}`);
const glob = fc
  .array(fc.constantFrom(...SEGMENTS, '*', '**', 'o*s', '*a', 'a**'), { maxLength: 4 })
  .map((segments) => `/${segments.join('/')}`);
const listOf = (value: fc.Arbitrary<string>) => fc.option(fc.array(value, { minLength: 1, maxLength: 3 }), { nil: undefined, freq: 2 });

const rule = fc.record({
  level: fc.constantFrom('none' as const, 'metadata' as const, 'request' as const, 'full' as const),
  maxBodyBytes: fc.option(fc.nat(100), { nil: undefined }),
  match: fc.record({
    method: listOf(fc.constantFrom(...METHODS)),
    path: listOf(fc.oneof(glob, fc.constantFrom('**', '*'))),
    route: listOf(glob),
    status: listOf(fc.constantFrom('200', '404', '4xx', '5xx')),
    actorType: listOf(fc.constantFrom('user', 'admin')),
    tenant: listOf(fc.constantFrom('acme', 'globex')),
    contentType: listOf(fc.constantFrom('application/json', 'multipart/*', '*')),
  }),
});
const rules = fc.array(rule, { maxLength: 70 }).map((list) => list.map((one, index): PolicyRule => ({ ...one, name: `rule ${index}` })));
const close = fc.record<CloseFacts>({
  route: fc.option(path, { nil: undefined }),
  status: fc.option(fc.constantFrom(...STATUSES), { nil: undefined }),
  actorType: fc.constantFrom('user', 'admin', 'anonymous'),
  tenantId: fc.option(fc.constantFrom('acme', 'globex', 'other'), { nil: undefined }),
});
const start = fc.record<StartFacts>({
  method: fc.constantFrom(...METHODS),
  rawPath: path,
  headers: fc.oneof(
    fc.constant({}),
    fc.record({ 'content-type': fc.constantFrom(...TYPES.map((type) => `${type}; x=y`)) }),
    fc.constant({ origin: 'https://a', 'access-control-request-method': 'PUT' }),
  ),
});

describe('the compiled policy', () => {
  it('is in force as the rules read one by one', () => {
    fc.assert(
      fc.property(rules, start, fc.array(close, { minLength: 1, maxLength: 5 }), (list, begin, ends) => {
        const policy = compilePolicy({ rules: list, excludePaths: ['/a', '/orders/b'] });
        const decision = policy.atStart(begin);
        for (const end of ends) assert.equal(decision.atClose(end).rule.name, explainPolicy(policy, { ...begin, ...end }).rule.name);
      }),
      { numRuns: 2000 },
    );
  });

  it('captures at the start whatever any end may want, and excludes nothing that an end would record', () => {
    fc.assert(
      fc.property(rules, start, fc.array(close, { minLength: 1, maxLength: 5 }), (list, begin, ends) => {
        const policy = compilePolicy({ rules: list, excludePaths: [] });
        const decision = policy.atStart(begin);
        for (const end of ends) {
          const { level, maxBodyBytes } = explainPolicy(policy, { ...begin, ...end }).rule;
          if (decision.excludedBy !== undefined) assert.equal(level, 'none');
          if (level === 'full') assert.ok(decision.responseBody);
          if (level === 'full' || level === 'request') assert.ok(decision.requestBody);
          if (maxBodyBytes !== undefined && level !== 'none') assert.ok((decision.maxBodyBytes ?? 0) >= maxBodyBytes);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
