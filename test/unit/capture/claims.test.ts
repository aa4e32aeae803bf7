import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { redactWho } from '../../../src/capture/claims.js';
import type { Who } from '../../../src/identity/identities.js';
import { ANONYMOUS, type AuditActor } from '../../../src/record.js';
import { createRedactor } from '../../../src/redaction/index.js';

const TOKEN = `ghp_${'a1B2'.repeat(9)}`;
const redactor = createRedactor();
const claimed = (who: Who): Who => redactWho(who, {}, redactor);

describe('claims', () => {
  it('hides secrets in every text of an identity', () => {
    const actor = {
      id: TOKEN,
      type: TOKEN,
      email: TOKEN,
      name: `is ${TOKEN}`,
      roles: ['admin', TOKEN],
      scopes: [TOKEN],
      groups: [TOKEN],
      tenantId: TOKEN,
      clientApp: TOKEN,
    };
    const who = claimed({ actor: { ...actor, source: 'jwt', verified: false }, tenant: { id: TOKEN, slug: TOKEN } });
    assert.ok(!JSON.stringify(who).includes(TOKEN));
    assert.deepEqual(who.actor.roles, ['admin', '[REDACTED]']);
    assert.equal(who.actor.verified, false);
  });

  it('leaves ids alone that are no secrets, also a tenant and an object id joined', () => {
    for (let nth = 0; nth < 1500; nth += 1) {
      const id = `${randomUUID()}:${randomUUID()}`;
      assert.equal(claimed({ actor: { id, type: 'user', source: 'jwt', verified: false }, tenant: undefined }).actor.id, id);
    }
  });

  it('takes no time for what no record keeps', () => {
    const id = `Bearer ${TOKEN}, ${'a='.repeat(5_000_000)}`;
    let seen = 0;
    const text = (read: string): string => {
      seen += read.length;
      return redactor.text(read);
    };
    const counting = { ...redactor, text };
    const who = redactWho({ actor: { id, type: 'user', source: 'framework', verified: true }, tenant: { id } }, {}, counting);
    assert.ok(seen < 100_000, `${seen} characters were looked at`);
    assert.ok(!who.actor.id.includes(TOKEN) && who.actor.id.length > 1000);
  });

  it("leaves the service's own words and the anonymous alone", () => {
    const actor: AuditActor = { id: TOKEN, type: 'user', source: 'api', verified: true };
    const tenant = { id: TOKEN };
    assert.deepEqual(redactWho({ actor, tenant }, { actor, tenant }, redactor), { actor, tenant });
    assert.deepEqual(claimed({ actor: ANONYMOUS, tenant: undefined }), { actor: ANONYMOUS, tenant: undefined });
  });
});
