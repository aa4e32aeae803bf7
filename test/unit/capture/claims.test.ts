import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { redactClaims } from '../../../src/capture/claims.js';
import type { Identity } from '../../../src/identity/identity.js';
import { createRedactor } from '../../../src/redaction/index.js';

const TOKEN = `ghp_${'a1B2'.repeat(9)}`;
const redactor = createRedactor();
const claim = (identity: Identity): Identity | undefined => redactClaims(() => identity, redactor)({ headers: {} });

describe('claims', () => {
  it('hides secrets in every text of an identity', () => {
    const actor = { id: TOKEN, type: TOKEN, email: TOKEN, name: `is ${TOKEN}`, roles: ['admin', TOKEN], tenantId: TOKEN, clientApp: TOKEN };
    const identity = claim({ actor: { ...actor, source: 'jwt', verified: false }, tenant: { id: TOKEN, slug: TOKEN } });
    assert.ok(!JSON.stringify(identity).includes(TOKEN));
    assert.deepEqual(identity?.actor.roles, ['admin', '[REDACTED]']);
    assert.equal(identity?.actor.verified, false);
  });

  it('leaves ids alone that are no secrets, also a tenant and an object id joined', () => {
    for (let nth = 0; nth < 1500; nth += 1) {
      const id = `${randomUUID()}:${randomUUID()}`;
      assert.equal(claim({ actor: { id, type: 'user', verified: false } })?.actor.id, id);
    }
  });

  it('has no identity where the source has none', () => {
    assert.equal(redactClaims(() => undefined, redactor)({ headers: {} }), undefined);
  });
});
