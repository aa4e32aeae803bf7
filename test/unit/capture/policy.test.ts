import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CloseFacts, compilePolicy } from '../../../src/capture/policy.js';
import type { PolicyRule } from '../../../src/policy-rule.js';

const facts = (changes: Partial<CloseFacts>): CloseFacts => ({
  method: 'GET',
  rawPath: '/orders',
  headers: {},
  route: undefined,
  status: 200,
  actorType: 'user',
  tenantId: 'acme',
  ...changes,
});

function ruleOf(rules: readonly PolicyRule[], changes: Partial<CloseFacts>, excludePaths: readonly string[] = []): string {
  return compilePolicy({ rules, excludePaths }).atClose(facts(changes)).name;
}

describe('the default policy', () => {
  it('records writes in full and the rest without bodies', () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) assert.equal(ruleOf([], { method }), 'default:write');
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'PROPFIND']) assert.equal(ruleOf([], { method }), 'default:metadata');
  });

  it('excludes probes for GET and HEAD only', () => {
    for (const rawPath of [
      '/health',
      '/health/live',
      '/healthz',
      '/livez',
      '/readyz',
      '/metrics',
      '/docs',
      '/openapi.json',
      '/redoc',
      '/favicon.ico',
    ]) {
      assert.equal(ruleOf([], { rawPath }), 'default:probe');
      assert.equal(ruleOf([], { rawPath, method: 'POST' }), 'default:write');
    }
  });

  it('cannot be talked into excluding by a dressed-up path', () => {
    for (const rawPath of [
      '/health/../admin',
      '/health//admin',
      '/health/%2F..',
      '/health;x',
      '/healthy',
      '/HEALTH',
      '/metrics/',
      '/docs/secret',
    ]) {
      assert.equal(ruleOf([], { rawPath }), 'default:metadata', rawPath);
    }
  });

  it('excludes real preflights, not an OPTIONS that may be something else', () => {
    const preflight = { origin: 'https://a.example', 'access-control-request-method': 'PUT' };
    assert.equal(ruleOf([], { method: 'OPTIONS', headers: preflight }), 'default:preflight');
    assert.equal(ruleOf([], { method: 'OPTIONS', headers: { origin: 'x' } }), 'default:metadata');
    assert.equal(ruleOf([], { method: 'OPTIONS', headers: { ...preflight, 'x-http-method-override': 'DELETE' } }), 'default:metadata');
  });

  it('takes more paths to exclude', () => {
    assert.equal(ruleOf([], { rawPath: '/ping' }, ['/ping']), 'default:probe');
  });
});

describe('rules', () => {
  const rules: readonly PolicyRule[] = [
    { name: 'denied', match: { status: ['4xx'] }, level: 'full' },
    { name: 'static', match: { path: ['/static/**'] }, level: 'none' },
    { name: 'one', match: { path: ['/orders/*'], method: ['GET'] }, level: 'request' },
    { name: 'admins', match: { actorType: ['admin'], tenant: ['acme'] }, level: 'full' },
    { name: 'route', match: { route: ['/users/:id'] }, level: 'metadata' },
  ];

  it('first match wins', () => {
    assert.equal(ruleOf(rules, { rawPath: '/static/a/b.js', status: 404 }), 'denied');
    assert.equal(ruleOf(rules, { rawPath: '/static/a/b.js' }), 'static');
    assert.equal(ruleOf(rules, { rawPath: '/orders/1' }), 'one');
    assert.equal(ruleOf(rules, { rawPath: '/orders/1/items' }), 'default:metadata');
    assert.equal(ruleOf(rules, { actorType: 'admin' }), 'admins');
    assert.equal(ruleOf(rules, { actorType: 'admin', tenantId: 'globex' }), 'default:metadata');
    assert.equal(ruleOf(rules, { route: '/users/:id' }), 'route');
  });

  it('captures at the highest level that is still possible', () => {
    const policy = compilePolicy({ rules, excludePaths: [] });
    // A 404 would be recorded in full, so both bodies are captured although the path is excluded.
    assert.deepEqual(policy.atStart(facts({ rawPath: '/static/a.js' })), { excludedBy: undefined, requestBody: true, responseBody: true });
  });

  it('captures nothing where the first match is certain to exclude', () => {
    const policy = compilePolicy({ rules: rules.slice(1), excludePaths: [] });
    assert.deepEqual(policy.atStart(facts({ rawPath: '/static/a.js' })), { excludedBy: 'static', requestBody: false, responseBody: false });
  });

  it('captures no body for a rule that keeps none', () => {
    const policy = compilePolicy({ rules: [{ name: 'quiet', match: {}, level: 'metadata' }], excludePaths: [] });
    assert.deepEqual(policy.atStart(facts({ method: 'POST' })), { excludedBy: undefined, requestBody: false, responseBody: false });
  });
});
