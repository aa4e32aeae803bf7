import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { createBearerTokens, tokenOf } from '../../../src/identity/bearer.js';
import { createTokenReader } from '../../../src/identity/token-identity.js';
import { allowedAlgorithms, createKeys, type KeySettings } from '../../../src/identity/token-keys.js';
import { createTokenVerifier, type TokenRules, type Verdict } from '../../../src/identity/verify-token.js';
import { startKeyServer } from '../../support/key-server.js';
import { hs256, makeKey, rs256, secondsFromNow, unsigned } from '../../support/tokens.js';

const KEY = makeKey('k1');
const OTHER = makeKey('k1');
const SECRET = 'a secret of the service';
const RULES = { issuers: ['https://issuer.example'], audiences: ['orders'] };
const GOOD = { sub: 'ada', iss: 'https://issuer.example', aud: 'orders', exp: secondsFromNow(3600) };

function createVerify(keys: KeySettings, rules: Partial<TokenRules> = RULES, warnings: string[] = [], cooldownMs?: number) {
  const read = createTokenReader({ claims: {}, actorTypeAliases: {} });
  const findKey = createKeys(keys, (message) => warnings.push(message), cooldownMs);
  assert.ok(findKey);
  const bearerOf = createBearerTokens(read);
  const verify = createTokenVerifier({ issuers: [], audiences: [], ...rules, algorithms: allowedAlgorithms(keys) }, findKey, read);
  /** A verdict of undefined: it is no JWT at all. */
  return async (token: string, atMs = Date.now()): Promise<Verdict | undefined> => {
    const headers = { authorization: `Bearer ${token}` };
    const bearer = bearerOf(headers);
    assert.equal(bearer?.claimed.actor.verified, false);
    if (bearer?.isReadable !== true) return undefined;
    const verification = verify(bearer, () => tokenOf(headers), atMs);
    await verification.settled;
    return verification.verdict();
  };
}

const reasonOf = (verdict: Verdict | undefined) =>
  verdict && ('reason' in verdict ? verdict.reason : `verified ${verdict.identity.actor.id}`);

const PROTO = `{"sub":"ada","iss":"https://issuer.example","aud":"orders","__proto__":{"roles":["admin"]}}`;
const FORGERIES: readonly [name: string, token: string, expected: string | undefined][] = [
  ['alg none', unsigned(GOOD), 'algorithm'],
  ['alg None', unsigned(GOOD, '', 'None'), 'algorithm'],
  ['alg none with a signature', unsigned(GOOD, 'c2ln'), 'algorithm'],
  ['the public key used as a secret', hs256(KEY.pem, GOOD), 'algorithm'],
  ['the public key used as a secret, trimmed', hs256(KEY.pem.trim(), GOOD), 'algorithm'],
  ["another key's signature", rs256(OTHER, GOOD), 'signature'],
  [
    'a changed payload',
    `${rs256(KEY, GOOD).split('.')[0]}.${unsigned({ ...GOOD, sub: 'root' }).split('.')[1]}.${rs256(KEY, GOOD).split('.')[2]}`,
    'signature',
  ],
  ['a changed header', `${unsigned('', '', 'RS512').split('.')[0]}.${rs256(KEY, GOOD).split('.').slice(1).join('.')}`, 'signature'],
  ['an unknown critical header', hs256(SECRET, GOOD, { alg: 'RS256', crit: ['x'], x: 1 }), 'algorithm|signature'],
  ['a foreign issuer', rs256(KEY, { ...GOOD, iss: 'https://evil.example' }), 'issuer'],
  ['no issuer', rs256(KEY, { ...GOOD, iss: undefined }), 'issuer'],
  ['a foreign audience', rs256(KEY, { ...GOOD, aud: 'billing' }), 'audience'],
  ['an old token', rs256(KEY, { ...GOOD, exp: secondsFromNow(-120) }), 'expired'],
  ['a token of the future', rs256(KEY, { ...GOOD, nbf: secondsFromNow(120) }), 'not_active'],
  ['an expiry that is no number', rs256(KEY, { ...GOOD, exp: 'never' }), 'claims'],
  ['no subject', rs256(KEY, { ...GOOD, sub: undefined }), 'claims'],
  ['a subject that is an object', rs256(KEY, { ...GOOD, sub: { id: 'root' } }), 'claims'],
  ['a subject of 10 MB', hs256(SECRET, { ...GOOD, sub: 'x'.repeat(10_000_000) }), undefined],
  ['a critical header nobody knows', rs256(KEY, GOOD, { crit: ['exp2'], exp2: 1 }), 'algorithm'],
  ['a payload outside of its encoding', rs256(KEY, GOOD, { crit: ['b64'], b64: false }), 'signature'],
  [
    'a key of its own in the header',
    rs256(OTHER, GOOD, { jwk: OTHER.jwk, jku: 'https://evil.example/keys', x5u: 'https://evil.example/k' }),
    'signature',
  ],
  ['a token inside of it', rs256(KEY, rs256(KEY, GOOD), { cty: 'JWT' }), undefined],
  ['five parts', `${rs256(KEY, GOOD)}.AAAA.AAAA`, undefined],
  ['a header of 12 KB', rs256(OTHER, GOOD, { kid: 'k'.repeat(9000) }), 'signature'],
  ['an expiry beyond all numbers', hs256(SECRET, '{"sub":"ada","exp":1e999}', { alg: 'RS256' }), 'signature'],
  ['a header that is no JSON', `AAAA.${rs256(KEY, GOOD).split('.').slice(1).join('.')}`, 'signature'],
];

describe('a token', () => {
  const verify = createVerify({ publicKey: KEY.pem });

  it('with the right signature, issuer, audience and time is verified, with every kind of key', async () => {
    assert.equal(reasonOf(await verify(rs256(KEY, GOOD))), 'verified ada');
    assert.equal(reasonOf(await createVerify({ publicKey: JSON.stringify(KEY.jwk) })(rs256(KEY, GOOD))), 'verified ada');
    assert.equal(reasonOf(await createVerify({ secret: SECRET })(hs256(SECRET, GOOD))), 'verified ada');
  });

  for (const [name, token, expected] of FORGERIES) {
    it(`with ${name} is not`, async () => {
      const reason = reasonOf(await verify(token));
      assert.ok(expected === reason || expected?.split('|').includes(reason ?? ''), `${reason}`);
    });
  }

  it('signed with a secret is not verified where the algorithm list leaves it out', async () => {
    assert.equal(reasonOf(await createVerify({ secret: SECRET, algorithms: ['HS512'] })(hs256(SECRET, GOOD))), 'algorithm');
  });

  it('gives away no rights by __proto__, and keeps a NUL as what it is', async () => {
    const secret = createVerify({ secret: SECRET });
    const verdict = await secret(hs256(SECRET, PROTO));
    assert.ok(verdict !== undefined && 'identity' in verdict);
    assert.equal(verdict.identity.actor.roles, undefined);
    assert.equal(reasonOf(await secret(hs256(SECRET, { ...GOOD, sub: 'a\u0000b' }))), 'verified a\u0000b');
  });

  it("is judged at each request's own time, also when its signature is remembered", async () => {
    const token = rs256(KEY, { ...GOOD, exp: secondsFromNow(60) });
    assert.equal(reasonOf(await verify(token)), 'verified ada');
    assert.equal(reasonOf(await verify(token, Date.now() + 100_000)), 'expired');
    assert.equal(reasonOf(await verify(token)), 'verified ada');
  });

  it('is never verified without its key, whatever it is', async () => {
    const text = fc.oneof(fc.string(), fc.json(), fc.constant(JSON.stringify(GOOD)));
    await fc.assert(
      fc.asyncProperty(text, text, fc.string(), async (header, payload, signature) => {
        const part = (value: string): string => Buffer.from(value).toString('base64url');
        const verdict = await verify(`${part(header)}.${part(payload)}.${part(signature)}`);
        assert.ok(verdict === undefined || 'reason' in verdict);
      }),
      { numRuns: 200 },
    );
  });

  it('is not verified with any character of it changed', async () => {
    const good = rs256(KEY, GOOD);
    const letter = fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.');
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 2), letter, async (at, changed) => {
        fc.pre(good[at] !== changed);
        const verdict = await verify(`${good.slice(0, at)}${changed}${good.slice(at + 1)}`);
        assert.ok(verdict === undefined || 'reason' in verdict);
      }),
      { numRuns: 300 },
    );
  });

  it('is put off rather than verified while too many others are', async () => {
    const verdicts = await Promise.all(Array.from({ length: 100 }, (_, index) => verify(rs256(KEY, { ...GOOD, sub: `u${index}` }))));
    const reasons = verdicts.map(reasonOf);
    assert.equal(reasons.filter((reason) => reason === 'overload').length, 36);
    assert.equal(new Set(reasons.filter((reason) => reason?.startsWith('verified'))).size, 64);
  });
});

describe('a key set', () => {
  let server: Awaited<ReturnType<typeof startKeyServer>>;
  before(async () => {
    server = await startKeyServer([KEY]);
  });
  after(() => server.close());

  it('is fetched once for many tokens, and again for an unknown key', async () => {
    const verify = createVerify({ jwksUrl: server.url }, RULES, [], 0);
    const before = server.state.requests;
    const tokens = ['a', 'b', 'c'].map((sub) => rs256(KEY, { ...GOOD, sub }));
    assert.deepEqual((await Promise.all(tokens.map((token) => verify(token)))).map(reasonOf), ['verified a', 'verified b', 'verified c']);
    assert.equal(server.state.requests, before + 1);
    const rotated = makeKey('k2');
    const token = rs256(rotated, GOOD);
    assert.equal(reasonOf(await verify(token)), 'unknown_key');
    server.keys.push(rotated);
    assert.equal(reasonOf(await verify(token)), 'verified ada');
    assert.equal(server.state.requests, before + 3);
  });

  it('is not fetched again for unknown keys within the cooldown', async () => {
    const verify = createVerify({ jwksUrl: server.url });
    await verify(rs256(KEY, GOOD));
    const before = server.state.requests;
    for (const kid of ['x', 'y', 'z']) assert.equal(reasonOf(await verify(rs256({ ...KEY, kid }, GOOD))), 'unknown_key');
    assert.equal(server.state.requests, before);
  });

  it('finds no key by a strange id, and takes none that is a secret', async () => {
    const secret = { kty: 'oct', k: Buffer.from(SECRET).toString('base64url'), kid: 'shared', alg: 'HS256' };
    const strange = await startKeyServer([KEY, { ...KEY, kid: 'shared', jwk: secret }]);
    const verify = createVerify({ jwksUrl: strange.url });
    for (const kid of ['', '__proto__', 'constructor', '../../k1', "k1' or '1'='1", 'k1\u0000', 7, null, {}, ['k1'], true])
      assert.doesNotMatch(String(reasonOf(await verify(rs256(OTHER, GOOD, { kid })))), /verified/, JSON.stringify(kid));
    assert.equal(reasonOf(await verify(hs256(SECRET, GOOD, { alg: 'HS256', kid: 'shared' }))), 'algorithm');
    assert.equal(reasonOf(await verify(rs256(KEY, GOOD))), 'verified ada');
    await strange.close();
  });

  it('tries each of its keys on a token that names none, as while keys are rotated', async () => {
    const keys = [makeKey('a'), makeKey('b'), makeKey('c')] as const;
    const rotating = await startKeyServer([...keys]);
    const verify = createVerify({ jwksUrl: rotating.url });
    for (const key of keys)
      assert.equal(reasonOf(await verify(rs256(key, { ...GOOD, sub: key.kid }, { kid: undefined }))), `verified ${key.kid}`);
    assert.equal(reasonOf(await verify(rs256(OTHER, GOOD, { kid: undefined }))), 'signature');
    assert.equal(reasonOf(await verify(rs256(keys[2], { ...GOOD, aud: 'billing' }, { kid: undefined }))), 'audience');
    await rotating.close();
  });

  it('stays in use while the provider fails, and says so', async () => {
    const warnings: string[] = [];
    const verify = createVerify({ jwksUrl: server.url }, RULES, warnings, 0);
    assert.equal(reasonOf(await verify(rs256(KEY, GOOD))), 'verified ada');
    server.state.status = 500;
    assert.equal(reasonOf(await verify(rs256({ ...KEY, kid: 'unknown' }, GOOD))), 'unknown_key');
    assert.equal(reasonOf(await verify(rs256(KEY, { ...GOOD, sub: 'b' }))), 'verified b');
    assert.match(warnings.join(), /the keys fetched before stay in use: status 500/);
    const fresh: string[] = [];
    assert.equal(reasonOf(await createVerify({ jwksUrl: server.url }, RULES, fresh)(rs256(KEY, GOOD))), 'keys_unavailable');
    assert.match(fresh.join(), /tokens stay unverified: status 500/);
    server.state.status = 200;
  });
});
