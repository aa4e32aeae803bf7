import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { type LedgerEntry, ledgerEntry, readKeyRing } from '../../../src/integrity/key-ring.js';
import { parsePublicKey, parseSigningKey } from '../../../src/integrity/signing-key.js';
import { signingKey } from '../../support/signed-trail.js';

const [first, second, stranger] = [signingKey('01'), signingKey('02'), signingKey('03')];
const added = (key: typeof first, time: string) => ({ type: 'added', keyId: key.id, publicKey: key.publicKey, time }) as const;
const lines = (...entries: readonly LedgerEntry[]): string => entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');

describe('a ring of keys', () => {
  const ledger = [
    ledgerEntry(added(first, '2026-01-01T00:00:00.000Z'), first),
    ledgerEntry(added(second, '2026-06-01T00:00:00.000Z'), first),
    ledgerEntry({ type: 'retired', keyId: first.id, time: '2026-07-01T00:00:00.000Z' }, second),
  ] as const;

  it('believes each key of a ledger while it was valid', () => {
    const ring = readKeyRing(lines(...ledger));
    const judge = (key: typeof first, time: string) => ring.judge(key.id, key.publicKey, time);
    assert.equal(judge(first, '2026-06-30T00:00:00.000Z'), 'valid');
    assert.equal(judge(first, '2026-07-02T00:00:00.000Z'), 'expired');
    assert.equal(judge(second, '2026-05-30T00:00:00.000Z'), 'expired');
    assert.equal(judge(second, '2026-07-02T00:00:00.000Z'), 'valid');
    assert.equal(judge(stranger, '2026-07-02T00:00:00.000Z'), 'unknown');
    assert.equal(ring.judge(first.id, stranger.publicKey, '2026-06-30T00:00:00.000Z'), 'unknown');
  });

  for (const [name, text] of [
    ['a key that nobody valid endorsed', lines(ledger[0], ledgerEntry(added(stranger, '2026-06-01T00:00:00.000Z'), stranger))],
    ['a key endorsed by one that was retired', lines(...ledger, ledgerEntry(added(stranger, '2026-08-01T00:00:00.000Z'), first))],
    ['an altered line', lines({ ...ledger[0], time: '2025-01-01T00:00:00.000Z' })],
    [
      'a key under the id of another',
      lines(ledgerEntry({ ...added(first, '2026-01-01T00:00:00.000Z'), publicKey: stranger.publicKey }, first)),
    ],
    ['text that is no key', 'hello\n'],
    ['a line that is no JSON', '{"type"\n'],
  ] as const) {
    it(`refuses ${name}`, () => assert.throws(() => readKeyRing(text)));
  }

  it('reads public keys as PEM, base64 and hex, and private ones as PEM or seed', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string;
    const key = parseSigningKey(privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
    assert.ok(key !== undefined);
    assert.equal(parsePublicKey(pem), key.publicKey);
    const hex = Buffer.from(key.publicKey, 'base64').toString('hex');
    for (const text of [pem, key.publicKey, hex]) assert.deepEqual(readKeyRing(`${text}\n`).ids, [key.id]);
    const seed = Buffer.alloc(32, 1);
    assert.equal(parseSigningKey(seed.toString('base64'))?.id, first.id);
    for (const text of [
      '',
      'x',
      pem,
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    ])
      assert.equal(parseSigningKey(text), undefined);
  });
});
