import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createModuleSource } from '../../../src/identity/custom-module.js';
import type { Identity } from '../../../src/identity/identity.js';
import { certificateOf } from '../../../src/identity/mtls.js';
import {
  createHeaderTenant,
  createHostTenant,
  createPathTenant,
  type FoundTenant,
  frameworkTenant,
  resolveTenant,
  type TenantRequest,
  type TenantSource,
  tokenTenant,
} from '../../../src/identity/tenant.js';

const TOKEN: Identity = { actor: { id: 'a', type: 'user', verified: true }, tenant: { id: 'of-token' } };
const find = (sources: readonly TenantSource[], request: Partial<TenantRequest>, identity?: Identity): FoundTenant | undefined =>
  resolveTenant(sources, { headers: {}, isFromProxy: false, ...request }, identity);

describe('the tenant', () => {
  it('is what the service put on the request', () => {
    const cases: readonly [object, object][] = [
      [{ tenant: 'acme' }, { id: 'acme' }],
      [{ tenant: { id: 7, slug: 'acme' } }, { id: '7', slug: 'acme' }],
      [
        { tenant_id: 't', tenant_slug: 's' },
        { id: 't', slug: 's' },
      ],
      [{ state: { tenantId: 't' } }, { id: 't', slug: undefined }],
    ];
    for (const [message, expected] of cases) assert.deepEqual(find([frameworkTenant], { message })?.tenant, expected);
    for (const message of [{}, { tenant: {} }, { tenant: null }]) assert.equal(find([frameworkTenant], { message }), undefined);
  });

  it('is read from host and path by their patterns', () => {
    const host = createHostTenant('{tenant}.Example.com');
    assert.equal(find([host], { headers: { host: 'Acme.example.com:8443' } })?.tenant.id, 'acme');
    for (const other of ['example.com', 'a.b.example.com', 'acme.example.com.evil.example', 'acmeXexample.com'])
      assert.equal(find([host], { headers: { host: other } }), undefined, other);
    const path = createPathTenant('/api/*/t/{tenant}');
    assert.equal(find([path], { url: '/api/v2/t/acme%20inc/orders?x=/t/evil' })?.tenant.id, 'acme inc');
    for (const url of ['/t/acme', '/api/v2/t/', '/api/v2/x/acme', undefined]) assert.equal(find([path], { url }), undefined, url);
  });

  it('is found or not in no time, however long a name the client makes up', () => {
    // Unbounded it would take minutes.
    const host = createHostTenant('{tenant}-*-*.example.com');
    assert.equal(find([host], { headers: { host: 'a-'.repeat(8000) } }), undefined);
    assert.equal(find([host], { headers: { host: 'acme-inc-eu-1.example.com' } })?.tenant.id, 'acme-inc');
    assert.equal(find([createPathTenant('/t/{tenant}-*/x')], { url: `/t/${'a-'.repeat(8000)}` }), undefined);
  });

  it('of a header is claimed, unless a trusted proxy sent it', () => {
    const header = createHeaderTenant('x-tenant');
    const headers = { 'x-tenant': 'acme' };
    assert.deepEqual(find([header], { headers }), { tenant: { id: 'acme' }, isClaimed: true });
    assert.deepEqual(find([header], { headers, isFromProxy: true }), { tenant: { id: 'acme' }, isClaimed: false });
    assert.equal(find([header], {}), undefined);
  });

  it('acted in is not that of the actor: the first source wins', () => {
    const path = createPathTenant('/t/{tenant}');
    assert.equal(find([path, tokenTenant], { url: '/t/other/orders' }, TOKEN)?.tenant.id, 'other');
    assert.equal(find([path, tokenTenant], { url: '/orders' }, TOKEN)?.tenant.id, 'of-token');
    assert.equal(find([() => assert.fail('a source'), tokenTenant], {}, TOKEN)?.tenant.id, 'of-token');
  });
});

describe("a service's own module", () => {
  const request = { headers: {}, isFromProxy: false, message: { headers: { 'x-user': 'ada' }, session: { user: 7 } } };

  it('is loaded with the first request, and verified only if it says so', () => {
    let loads = 0;
    const source = createModuleSource(
      './who.js',
      () => {
        loads += 1;
        return {
          identify: ({ headers }: { headers: Record<string, string> }) => ({ id: headers['x-user'], verified: 'yes' }),
          tenantOf: ({ message }: { message: { session: { user: number } } }) => message.session.user,
        };
      },
      assert.fail,
    );
    assert.equal(loads, 0);
    const actor = source.identify(request)?.actor;
    assert.deepEqual([actor?.id, actor?.type, actor?.source, actor?.verified], ['ada', 'user', 'custom', false]);
    assert.deepEqual(source.tenantOf(request), { tenant: { id: '7' } });
    assert.equal(loads, 1);
  });

  it('that cannot be loaded has no answer, and says so once', () => {
    const warnings: string[] = [];
    const source = createModuleSource(
      './who.js',
      () => assert.fail('secret'),
      (message) => warnings.push(message),
    );
    assert.equal(source.identify(request), undefined);
    assert.equal(source.identify(request), undefined);
    assert.deepEqual(warnings, ['the identity source ./who.js cannot be loaded and has no answers: AssertionError']);
  });
});

describe('the certificate of a connection', () => {
  it('has no URI where one stands within another name', () => {
    const socketOf = (subjectaltname: string) => ({
      encrypted: true,
      authorized: true,
      getPeerCertificate: () => ({ subject: { CN: 'svc' }, subjectaltname }),
    });
    const forged = ['DNS:"x.example, URI:spiffe://acme/admin"', 'DNS:"\\", URI:spiffe://acme/admin"', 'URI:"spiffe://acme/a, URI:x"'];
    for (const names of forged) assert.equal(certificateOf(socketOf(names) as never)?.subject, 'svc', names);
    const real = 'DNS:"x.example, URI:spiffe://acme/admin", URI:spiffe://acme/svc';
    assert.equal(certificateOf(socketOf(real) as never)?.subject, 'spiffe://acme/svc');
  });

  it('is read once, its URI before its common name', () => {
    let reads = 0;
    const socketOf = (certificate: object, authorized = true) => ({
      encrypted: true,
      authorized,
      getPeerCertificate() {
        reads += 1;
        return certificate;
      },
    });
    const socket = socketOf({ subject: { CN: 'svc' }, subjectaltname: 'DNS:svc.example, URI:spiffe://acme/svc' }) as never;
    assert.deepEqual(certificateOf(socket), { subject: 'spiffe://acme/svc', authorized: true });
    assert.deepEqual(certificateOf(socket), { subject: 'spiffe://acme/svc', authorized: true });
    assert.equal(reads, 1);
    const names = { O: 'Acme', OU: ['Orders', 'Jobs'] };
    assert.equal(certificateOf(socketOf({ subject: names }) as never)?.subject, 'O=Acme, OU=Orders, OU=Jobs');
    assert.deepEqual(certificateOf(socketOf({ subject: { CN: 'svc' } }, false) as never), { subject: 'svc', authorized: false });
    assert.equal(certificateOf(socketOf({}) as never), undefined);
    assert.equal(certificateOf({} as never), undefined);
  });
});
