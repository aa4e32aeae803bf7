import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CloseFacts, compilePolicy, type StartFacts } from '../../../src/capture/policy.js';
import type { PolicyRule } from '../../../src/policy-rule.js';

type Facts = StartFacts & CloseFacts;

const facts = (changes: Partial<Facts>): Facts => ({
  method: 'GET',
  rawPath: '/orders',
  headers: {},
  route: undefined,
  status: 200,
  actorType: 'user',
  tenantId: 'acme',
  ...changes,
});

function ruleOf(rules: readonly PolicyRule[], changes: Partial<Facts>, excludePaths: readonly string[] = []): string {
  const known = facts(changes);
  return compilePolicy({ rules, excludePaths }).atStart(known).atClose(known).rule.name;
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
      '/health/%2e%2e/admin',
      '/health/.%2E/admin',
      '/health/%5c..',
      '/health/\\admin',
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
    assert.equal(ruleOf([], { rawPath: '/ping' }, ['/ping']), 'default:excluded');
    assert.equal(ruleOf([], { rawPath: '/ping', method: 'POST' }, ['/ping']), 'default:write');
    assert.equal(ruleOf([], { rawPath: '/pi*' }, ['/p*']), 'default:metadata');
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
    const { excludedBy, requestBody, responseBody } = policy.atStart(facts({ rawPath: '/static/a.js' }));
    assert.deepEqual([excludedBy, requestBody, responseBody], [undefined, true, true]);
  });

  it('captures nothing where the first match is certain to exclude', () => {
    const policy = compilePolicy({ rules: rules.slice(1), excludePaths: [] });
    const { excludedBy, requestBody, responseBody } = policy.atStart(facts({ rawPath: '/static/a.js' }));
    assert.deepEqual([excludedBy, requestBody, responseBody], ['static', false, false]);
  });

  it('captures no body for a rule that keeps none', () => {
    const policy = compilePolicy({ rules: [{ name: 'quiet', match: {}, level: 'metadata' }], excludePaths: [] });
    const { excludedBy, requestBody, responseBody } = policy.atStart(facts({ method: 'POST' }));
    assert.deepEqual([excludedBy, requestBody, responseBody], [undefined, false, false]);
  });

  it('matches the media type of the request, without its parameters', () => {
    const uploads: readonly PolicyRule[] = [{ name: 'uploads', match: { contentType: ['multipart/*', 'image/png'] }, level: 'metadata' }];
    const ofType = (type: string) => ruleOf(uploads, { method: 'POST', headers: { 'content-type': type } });
    assert.equal(ofType('Multipart/Form-Data; boundary=x'), 'uploads');
    assert.equal(ofType('image/png'), 'uploads');
    assert.equal(ofType('image/pngx'), 'default:write');
    assert.equal(ruleOf(uploads, { method: 'POST' }), 'default:write');
  });

  it('never excludes a path that a router may read as another', () => {
    assert.equal(ruleOf(rules, { rawPath: '/static/../admin' }), 'default:metadata');
    assert.equal(ruleOf(rules, { rawPath: '/static/%2E%2e/admin' }), 'default:metadata');
    const lowered: readonly PolicyRule[] = [{ name: 'lowered', match: { path: ['/static/**'] }, level: 'metadata' }];
    assert.equal(ruleOf(lowered, { rawPath: '/static/../admin', method: 'POST' }), 'lowered');
  });

  it('captures up to the highest cap of a rule still possible', () => {
    const capped: readonly PolicyRule[] = [
      { name: 'failed', match: { status: ['5xx'], path: ['/a'] }, level: 'full', maxBodyBytes: 500 },
      { name: 'small', match: { path: ['/a'] }, level: 'full', maxBodyBytes: 50 },
      { name: 'large', match: {}, level: 'full', maxBodyBytes: 5000 },
    ];
    const policy = compilePolicy({ rules: capped, excludePaths: [] });
    assert.equal(policy.atStart(facts({ rawPath: '/a' })).maxBodyBytes, 500);
    assert.equal(policy.atStart(facts({ rawPath: '/b' })).maxBodyBytes, 5000);
    assert.equal(compilePolicy({ rules: [], excludePaths: [] }).atStart(facts({})).maxBodyBytes, undefined);
  });

  it('finds the target where a rule says it stands', () => {
    const find = (target: PolicyRule['target'], path: string) =>
      compilePolicy({ rules: [{ name: 'r', match: {}, level: 'full', target }], excludePaths: [] })
        .atStart(facts({}))
        .atClose(facts({}))
        .findTarget?.(path);
    assert.deepEqual(find({ pattern: '/orders/:id' }, '/orders/42'), { type: 'order', id: '42' });
    assert.deepEqual(find({ pattern: '/orders/:id' }, '/orders/a%20b/'), { type: 'order', id: 'a b' });
    assert.equal(find({ pattern: '/orders/:id' }, '/orders/42/items'), undefined);
    assert.deepEqual(find({ pattern: '/orders/:id/**' }, '/orders/42/items/7'), { type: 'order', id: '42' });
    assert.deepEqual(find({ pattern: '/t/:tenant/people/:who', id: 'tenant', type: 'tenant' }, '/t/acme/people/7'), {
      type: 'tenant',
      id: 'acme',
    });
    assert.deepEqual(find({ pattern: '/*/people/:who' }, '/acme/people/7'), { type: 'person', id: '7' });
  });
});
