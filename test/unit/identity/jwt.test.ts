import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createBearerTokens } from '../../../src/identity/bearer.js';
import { jwtIdentity } from '../../../src/identity/jwt.js';
import { createTokenReader } from '../../../src/identity/token-identity.js';

function bearer(claims: unknown): { headers: { authorization: string } } {
  const payload = Buffer.from(typeof claims === 'string' ? claims : JSON.stringify(claims)).toString('base64url');
  return { headers: { authorization: `Bearer e30.${payload}.c2ln` } };
}
const identify = ({ headers }: { headers: { authorization?: string } }, actorTypeAliases = {}) =>
  jwtIdentity({ headers, bearer: createBearerTokens(createTokenReader({ claims: {}, actorTypeAliases }))(headers) });
const actorOf = (claims: unknown, aliases = {}) => identify(bearer(claims), aliases)?.actor;

describe('a bearer JWT', () => {
  it('names subject, type, e-mail and tenant, unverified', () => {
    const identity = identify(bearer({ sub: 'u1', actor_type: 'Ops_Admin', email: 'a@b.c', tenant_id: 't1', tenant_slug: 'tee' }), {
      ops_admin: 'platform_admin',
    });
    assert.equal(identity?.actor.id, 'u1');
    assert.equal(identity?.actor.type, 'platform_admin');
    assert.equal(identity?.actor.email, 'a@b.c');
    assert.equal(identity?.actor.verified, false);
    assert.deepEqual(identity?.tenant, { id: 't1', slug: 'tee' });
  });

  it('of Entra ID is keyed by tenant and object', () => {
    const user = actorOf({ tid: 'T', oid: 'O', sub: 'pairwise', preferred_username: 'ada@acme.example', scp: 'read', azp: 'app' });
    assert.deepEqual([user?.id, user?.type, user?.email, user?.clientApp, user?.tenantId], ['T:O', 'user', 'ada@acme.example', 'app', 'T']);
  });

  it('of an application alone is a service', () => {
    assert.equal(actorOf({ tid: 'T', oid: 'O', sub: 'O', roles: ['Orders.Read'] })?.type, 'service');
    assert.equal(actorOf({ sub: 'x', idtyp: 'app' })?.type, 'service');
    assert.equal(actorOf({ sub: 'x', roles: ['admin'] })?.type, 'user');
  });

  it('that cannot be read is an anonymous attempt', () => {
    for (const claims of ['not json', '[1]', 'null', '"text"', '{}', '{"sub":7}', '{"sub":""}']) {
      assert.deepEqual(actorOf(claims), { id: 'anonymous', type: 'anonymous', source: 'jwt', verified: false }, claims);
    }
    for (const authorization of ['Bearer', 'Bearer ', 'Bearer a.b', `Bearer ${'a'.repeat(20_000)}`, 'Bearer a.b.c.d']) {
      const identity = identify({ headers: { authorization } });
      assert.ok(identity === undefined || identity.actor.type === 'anonymous', authorization.slice(0, 20));
    }
  });

  it('is not seen in other schemes', () => {
    assert.equal(identify({ headers: { authorization: 'Basic dTpw' } }), undefined);
    assert.equal(identify({ headers: {} }), undefined);
  });

  it('never takes a claim from the prototype', () => {
    assert.equal(actorOf('{"__proto__":{"sub":"evil"}}')?.id, 'anonymous');
    assert.equal(actorOf({ sub: 'u', actor_type: 'constructor' }, {})?.type, 'constructor');
  });

  it('never throws and never verifies, whatever it holds', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (payload) => {
        assert.notEqual(actorOf(payload)?.verified, true);
      }),
    );
    fc.assert(
      fc.property(fc.string(), (authorization) => {
        assert.notEqual(identify({ headers: { authorization: `Bearer ${authorization}` } })?.actor.verified, true);
      }),
    );
  });
});
