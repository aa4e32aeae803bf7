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

  it('answers the same for the same text when it remembers it', () => {
    const source = redactClaims(({ headers }) => ({ actor: { id: String(headers['id']), type: 'user', verified: false } }), redactor);
    const ids = Array.from({ length: 1200 }, (_, nth) => (nth % 3 === 0 ? TOKEN : `user-${nth}`));
    for (const id of ids) assert.equal(source({ headers: { id } })?.actor.id, id === TOKEN ? '[REDACTED]' : id);
  });

  it('has no identity where the source has none', () => {
    assert.equal(redactClaims(() => undefined, redactor)({ headers: {} }), undefined);
  });
});
