import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createApiKeyIdentity } from '../../../src/identity/api-key.js';
import { basicIdentity } from '../../../src/identity/basic.js';
import { createEasyAuthIdentity } from '../../../src/identity/easy-auth.js';
import { createFrameworkIdentity } from '../../../src/identity/framework.js';
import { type Identity, type IdentityRequest, type IdentitySource, resolveIdentity, WAIT } from '../../../src/identity/identity.js';
import { mtlsIdentity } from '../../../src/identity/mtls.js';
import { createTokenReader } from '../../../src/identity/token-identity.js';

const CLAIMS = { claims: {}, actorTypeAliases: { staff: 'platform_admin' } };
const actorOf = (source: IdentitySource, request: Partial<IdentityRequest>): Identity['actor'] | undefined => {
  const identity = resolveIdentity([source], { headers: {}, ...request }, false);
  assert.notEqual(identity, WAIT);
  return (identity as Identity | undefined)?.actor;
};
const said = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));

describe('the framework', () => {
  const source = createFrameworkIdentity(CLAIMS);
  class Document {
    readonly #key = 'd-1';
    get id(): string {
      return this.#key;
    }
    readonly email = 'd@x.example';
  }
  const TRUST = { type: 'user', source: 'framework', verified: true };
  const USERS: readonly [name: string, message: object, expected: object][] = [
    [
      'passport',
      { user: { id: 7, displayName: 'Ada', emails: [{ value: 'ada@x.example' }] } },
      { id: '7', name: 'Ada', email: 'ada@x.example' },
    ],
    ['mongoose', { user: { _id: { toHexString: () => 'abc123' }, role: 'admin' } }, { id: 'abc123', roles: ['admin'] }],
    ['a class with private state', { user: new Document() }, { id: 'd-1', email: 'd@x.example' }],
    ['express-jwt', { auth: { sub: 's', tenant_id: 't', actor_type: 'STAFF' } }, { id: 's', tenantId: 't', type: 'platform_admin' }],
    ['express-oauth2-jwt-bearer', { auth: { payload: { tid: 'T', oid: 'O' }, token: 'x', header: {} } }, { id: 'T:O', tenantId: 'T' }],
    ['express-basic-auth', { auth: { user: 'ada', password: 'hunter2' } }, { id: 'ada' }],
    ['NestJS', { user: { userId: 12n, username: 'ada', tenantId: 5 } }, { id: '12', tenantId: '5' }],
    ["Koa's state, handed over", { state: { user: { id: 'k' } } }, { id: 'k' }],
    ['a plain name', { user: 'ada' }, { id: 'ada' }],
  ];
  for (const [name, message, expected] of USERS) {
    it(`names the user of ${name}`, () => {
      const actor = actorOf(source, { message });
      assert.deepEqual(said(actor), said({ ...TRUST, ...expected }));
      assert.ok(!JSON.stringify(actor).includes('hunter2'));
    });
  }

  it('names the user on its own request object', () => {
    assert.equal(actorOf(source, { message: {}, framework: { user: { sub: 'f' } } })?.id, 'f');
  });

  it('names nobody where nobody is', () => {
    const throwing = Object.defineProperty({}, 'user', { get: () => assert.fail('a getter') });
    for (const message of [
      {},
      { user: undefined },
      { user: null },
      { user: {} },
      { user: [] },
      { user: '' },
      { auth: () => ({ id: 'x' }) },
      throwing,
    ])
      assert.equal(actorOf(source, { message }), undefined);
  });

  it('names the roles of an ORM by their names', () => {
    const user = { id: 1, roles: [{ id: 7, name: 'admin' }, { id: 8 }, null], groups: [{ id: 9 }] };
    const actor = actorOf(source, { message: { user } });
    assert.deepEqual([actor?.roles, actor?.groups], [['admin'], undefined]);
  });

  it('does not ask for lazy relations: each would be a query of its own', () => {
    const user = Object.assign(Object.create({ id: 'of the class' }), { email: 'd@x.example' });
    for (const name of ['roles', 'groups', 'tenant', 'organization'])
      Object.defineProperty(user, name, { configurable: true, get: () => assert.fail(`${name} was asked for`) });
    assert.equal(actorOf(source, { message: { user } })?.id, 'of the class');
  });

  it('never takes what every object has for a user', () => {
    assert.equal(actorOf(source, { message: { user: JSON.parse('{"__proto__":{"id":"evil"}}') } }), undefined);
  });
});

describe('EasyAuth', () => {
  const source = createEasyAuthIdentity(createTokenReader(CLAIMS));
  const principal = (value: unknown) => ({ headers: { 'x-ms-client-principal': Buffer.from(JSON.stringify(value)).toString('base64') } });

  it('names the principal with its claims as the platform spells them', () => {
    const claims = [
      { typ: 'http://schemas.microsoft.com/identity/claims/objectidentifier', val: 'O' },
      { typ: 'http://schemas.microsoft.com/identity/claims/tenantid', val: 'T' },
      { typ: 'preferred_username', val: 'ada@x.example' },
      { typ: 'my-roles', val: 'Admin' },
      { typ: 'my-roles', val: 'Auditor' },
      { typ: 'http://schemas.microsoft.com/identity/claims/scope', val: 'Orders.Read Orders.Write' },
      { typ: 'groups', val: 'G1' },
      { typ: 'groups', val: 'G2' },
    ];
    const actor = actorOf(source, principal({ auth_typ: 'aad', role_typ: 'my-roles', claims }));
    assert.deepEqual(
      [actor?.id, actor?.email, actor?.roles, actor?.source, actor?.verified],
      ['T:O', 'ada@x.example', ['Admin', 'Auditor'], 'easy-auth', true],
    );
    assert.deepEqual(
      [actor?.scopes, actor?.groups],
      [
        ['Orders.Read', 'Orders.Write'],
        ['G1', 'G2'],
      ],
    );
  });

  it('falls back to id and name', () => {
    const headers = { 'x-ms-client-principal-id': 'O', 'x-ms-client-principal-name': 'ada@x.example' };
    assert.deepEqual(said(actorOf(source, { headers })), {
      id: 'O',
      type: 'user',
      name: 'ada@x.example',
      email: 'ada@x.example',
      source: 'easy-auth',
      verified: true,
    });
  });

  it('has no answer to what is missing or malformed', () => {
    for (const value of [
      null,
      [],
      'text',
      {},
      { claims: 'x' },
      { claims: [null, 1, { typ: 7 }, { typ: '__proto__', val: { sub: 'evil' } }] },
    ])
      assert.equal(actorOf(source, principal(value)), undefined);
    assert.equal(actorOf(source, { headers: { 'x-ms-client-principal': '%%%' } }), undefined);
    assert.equal(actorOf(source, {}), undefined);
  });
});

describe('an API key', () => {
  const KEY = 'sk_live_a1b2_0123456789abcdefghij';
  const of = (settings: object, key: string) =>
    actorOf(createApiKeyIdentity({ apiKeyHeader: 'x-api-key', apiKeyPrefixLength: 0, ...settings }), { headers: { 'x-api-key': key } });

  it('is an id that does not hold the key, and never verified', () => {
    assert.deepEqual(of({}, KEY), { id: 'api-key', type: 'service', source: 'api-key', verified: false });
    assert.match(of({ hashKey: 'h' }, KEY)?.id ?? '', /^key:[\w-]{22}$/);
    assert.equal(of({ hashKey: 'h' }, KEY)?.id, of({ hashKey: 'h' }, KEY)?.id);
    assert.notEqual(of({ hashKey: 'h' }, KEY)?.id, of({ hashKey: 'i' }, KEY)?.id);
    assert.notEqual(of({ hashKey: 'h' }, KEY)?.id, of({ hashKey: 'h' }, `${KEY}x`)?.id);
  });

  it('shows its prefix only where enough stays unknown', () => {
    assert.equal(of({ apiKeyPrefixLength: 12 }, KEY)?.id, 'sk_live_a1b2');
    assert.equal(of({ apiKeyPrefixLength: 12 }, 'sk_live_a1b2_short')?.id, 'api-key');
  });

  it('shows nothing of any key', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 6 }), (key) => {
        fc.pre(!'api-key:'.includes(key));
        assert.ok(!JSON.stringify(of({}, key)).includes(key));
        assert.ok(!(of({ hashKey: 'h' }, key)?.id ?? '').includes(key));
      }),
    );
  });
});

describe('basic authentication', () => {
  const of = (text: string) => actorOf(basicIdentity, { headers: { authorization: `Basic ${Buffer.from(text).toString('base64')}` } });

  it('names the user, never the password, never verified', () => {
    assert.deepEqual(of('ada:hunter2:x'), { id: 'ada', type: 'user', source: 'basic', verified: false });
  });

  it('has no answer to what is missing or malformed', () => {
    for (const text of ['', ':hunter2', 'hunter2']) assert.equal(of(text), undefined);
    assert.equal(actorOf(basicIdentity, { headers: { authorization: 'Basic' } }), undefined);
    assert.equal(actorOf(basicIdentity, { headers: { authorization: 'Basic !!!' } }), undefined);
    assert.equal(actorOf(basicIdentity, {}), undefined);
  });
});

describe('a client certificate', () => {
  it('is as verified as the TLS server found it', () => {
    assert.equal(actorOf(mtlsIdentity, {}), undefined);
    for (const authorized of [true, false])
      assert.deepEqual(actorOf(mtlsIdentity, { certificate: { subject: 'svc', authorized } }), {
        id: 'svc',
        type: 'service',
        source: 'mtls',
        verified: authorized,
      });
  });
});

describe('the chain', () => {
  const named =
    (id: string): IdentitySource =>
    () => ({ actor: { id, type: 'user', verified: false } });
  const attempt: IdentitySource = () => ({ actor: { id: 'anonymous', type: 'anonymous', source: 'jwt', verified: false } });
  const idOf = (...sources: IdentitySource[]) => (resolveIdentity(sources, { headers: {} }, false) as Identity | undefined)?.actor.id;

  it('takes the first answer, and an unreadable token only if there is no other', () => {
    assert.equal(
      idOf(() => undefined, named('a'), named('b')),
      'a',
    );
    assert.equal(idOf(attempt, named('b')), 'b');
    assert.equal(
      idOf(attempt, () => undefined),
      'anonymous',
    );
    assert.equal(idOf(), undefined);
  });

  it('goes on after a source that throws', () => {
    assert.equal(
      idOf(() => assert.fail('a source'), named('b')),
      'b',
    );
  });

  it('waits only where it may', () => {
    assert.equal(resolveIdentity([() => WAIT, named('b')], { headers: {} }, true), WAIT);
    assert.equal(
      idOf(() => WAIT, named('b')),
      'b',
    );
    assert.equal((resolveIdentity([named('a'), () => WAIT], { headers: {} }, true) as Identity).actor.id, 'a');
  });
});
