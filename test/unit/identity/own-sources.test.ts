import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { createAddedSources } from '../../../src/identity/added-sources.js';
import { addIdentitySource, addTenantSource, audit, type SourceRequest } from '../../../src/index.js';
import type { AuditRecord } from '../../../src/record.js';
import { auditThisProcess, listen, send } from '../../support/audited-server.js';
import { hs256 } from '../../support/tokens.js';

const EVERYWHERE = { identify: true, tenantOf: true };
const REQUEST = { headers: {}, isFromProxy: false };

describe('a source added by the API', () => {
  let audited: ReturnType<typeof auditThisProcess>;
  let server: Awaited<ReturnType<typeof listen>>;
  /** What the added sources answer in this test. */
  let identify: (request: SourceRequest) => unknown = () => undefined;

  before(async () => {
    audited = auditThisProcess({ IDENTITY_SOURCES: 'framework,api,jwt', JWT_SECRET: 'a secret of the service' });
    addIdentitySource((request) => identify(request) as undefined);
    addTenantSource(({ headers }) => ({ id: String(headers['x-shop'] ?? 'none'), slug: 'shop' }));
    server = await listen(
      http.createServer((request, response) => {
        if (request.headers['x-user'] === 'framework') Object.assign(request, { user: 'of-framework' });
        response.end();
      }),
    );
  });
  after(() => server.close());

  async function recordOf(headers: Record<string, string>): Promise<AuditRecord> {
    const next = audited.record(audited.records.length + 1);
    await send(server.url, { headers });
    return await next;
  }
  const TOKEN = { authorization: `Bearer ${hs256('x', { sub: 'of-token' })}` };

  it('is asked at its place in the order, and says the tenant too', async () => {
    identify = ({ headers, message }) => {
      assert.ok(message instanceof http.IncomingMessage);
      return headers['x-user'] === undefined ? undefined : { id: headers['x-user'], type: 'customer', verified: true };
    };
    const named = await recordOf({ ...TOKEN, 'x-user': 'ada', 'x-shop': 's1' });
    assert.deepEqual(
      [named.actor.id, named.actor.type, named.actor.source, named.actor.verified, named.tenant],
      ['ada', 'customer', 'custom', true, { id: 's1', slug: 'shop' }],
    );
    assert.equal((await recordOf({ ...TOKEN, 'x-user': 'framework' })).actor.id, 'of-framework');
    assert.equal((await recordOf(TOKEN)).actor.id, 'of-token');
  });

  it('is verified only if it says so', async () => {
    for (const verified of [undefined, 'yes', 1, {}]) {
      identify = () => ({ id: 'ada', verified });
      assert.equal((await recordOf({})).actor.verified, false);
    }
  });

  it('that fails has no answer, and the next source has', async () => {
    const warnings = audited.warnings.length;
    const never = new Promise(() => {});
    const answers: readonly (() => unknown)[] = [
      () => {
        throw new TypeError('hunter2');
      },
      () => Promise.reject(new Error('hunter2')),
      () => never,
      () => ({
        get id() {
          throw new Error('hunter2');
        },
      }),
      () => ({}),
      () => [],
      () => JSON.parse('{"__proto__":{"id":"root","verified":true}}'),
      () => Object.create({}),
      () => ({ id: { toString: () => 'root' } }),
      () => new Proxy({}, { get: () => assert.fail('a trap') }),
    ];
    for (const answer of answers) {
      identify = answer;
      assert.equal((await recordOf(TOKEN)).actor.id, 'of-token', String(answer));
    }
    const said = audited.warnings.slice(warnings);
    assert.deepEqual(said, ['a source added by the API threw and has no answer where it does: TypeError']);
  });

  it('may record events itself without being asked for their actor', async () => {
    let asked = 0;
    identify = () => {
      asked += 1;
      void audit({ action: 'who.asked' });
      return 'ada';
    };
    assert.equal((await recordOf({})).action, 'who.asked');
    assert.deepEqual([audited.records.at(-1)?.actor.id, asked], ['ada', 1]);
  });
});

describe('added sources', () => {
  it('are asked in the order of their adding, once each', () => {
    const added = createAddedSources(EVERYWHERE, assert.fail);
    const second = (): string => 'second';
    for (const own of [() => undefined, second, second, () => 'third', 'no function', null]) added.add('identify', own);
    assert.equal(added.identify(REQUEST)?.actor.id, 'second');
    assert.equal(added.tenantOf(REQUEST), undefined);
  });

  it('are refused where the order does not name them, and beyond a bound', () => {
    const warnings: string[] = [];
    const added = createAddedSources({ ...EVERYWHERE, tenantOf: false }, (message) => warnings.push(message));
    for (let count = 0; count < 40; count += 1) added.add('identify', () => undefined);
    added.add('tenantOf', () => 'acme');
    assert.equal(added.tenantOf(REQUEST), undefined);
    assert.match(warnings.at(0) ?? '', /there are 32 already/);
    assert.match(warnings.at(-1) ?? '', /AUDIT_TENANT_SOURCES.*does not name api/);
  });

  it('name nobody verified by accident, whatever they answer', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true }), (answer) => {
        const added = createAddedSources(EVERYWHERE, () => {});
        added.add('identify', () => answer);
        const actor = added.identify(REQUEST)?.actor;
        assert.ok(actor === undefined || actor.verified === ((answer as { verified?: unknown } | null)?.verified === true));
      }),
    );
  });
});
