import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { createTokenReader } from '../../../src/identity/token-identity.js';
import { ROOT } from '../../support/service.js';

interface Row {
  readonly name: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly actor: object;
  readonly tenant: object;
}

const ROWS = JSON.parse(readFileSync(path.join(ROOT, 'test/fixtures/token-payloads.json'), 'utf8')) as readonly Row[];
const TRUST = { source: 'jwt', verified: false } as const;

/** Without the members that are undefined. */
const said = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));

describe('a token payload', () => {
  const read = createTokenReader({ claims: {}, actorTypeAliases: {} });
  for (const { name, claims, actor, tenant } of ROWS) {
    it(`of ${name} names actor and tenant`, () => {
      const identity = read(claims, TRUST);
      assert.deepEqual(said(identity?.actor), { ...actor, ...TRUST });
      assert.deepEqual(said(identity?.tenant), tenant);
    });
  }

  it('is never read from a polluted prototype', () => {
    Object.defineProperty(Object.prototype, 'sub', { value: 'evil', configurable: true });
    try {
      assert.equal(read({ email: 'ada@acme.example' }, TRUST), undefined);
    } finally {
      Reflect.deleteProperty(Object.prototype, 'sub');
    }
  });

  it('is read through the claim map, and only through it', () => {
    const mapped = createTokenReader({
      claims: { id: 'employee', tenantId: 'org.id', roles: 'https://acme.example/roles', type: 'kind' },
      actorTypeAliases: { staff: 'platform_admin' },
    });
    const claims = {
      sub: 's',
      tid: 'T',
      oid: 'O',
      employee: 'e-7',
      kind: 'Staff',
      org: { id: 't-1' },
      'https://acme.example/roles': ['r'],
    };
    assert.deepEqual(said(mapped(claims, TRUST)), {
      actor: { id: 'e-7', type: 'platform_admin', roles: ['r'], tenantId: 't-1', ...TRUST },
      tenant: { id: 't-1' },
    });
    assert.equal(mapped({ sub: 's', tid: 'T', oid: 'O' }, TRUST), undefined);
  });
});
