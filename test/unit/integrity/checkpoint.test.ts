import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import {
  type Checkpoint,
  canonicalCheckpoint,
  followsCheckpoint,
  hashCheckpoint,
  isIntactCheckpoint,
  readSignedCheckpoint,
  signCheckpoint,
} from '../../../src/integrity/checkpoint.js';
import { keyIdOf, parseSigningKey } from '../../../src/integrity/signing-key.js';
import { ROOT } from '../../support/service.js';

interface Vector {
  readonly name: string;
  readonly input: Checkpoint;
  readonly canonical: string;
  readonly sha256: string;
  readonly signature: string;
  readonly expect: 'signature' | 'chain' | 'canonical';
  readonly prev_sha256?: string;
}

const suite = JSON.parse(readFileSync(path.join(ROOT, 'test/fixtures/checkpoint-vectors/vectors.json'), 'utf8')) as {
  readonly signing_seed_hex: string;
  readonly public_key_hex: string;
  readonly vectors: readonly Vector[];
  readonly negatives: readonly Vector[];
};
const publicKey = Buffer.from(suite.public_key_hex, 'hex').toString('base64');
const signed = ({ input, signature }: Vector) => ({ checkpoint: input, signature, keyId: keyIdOf(publicKey), publicKey });

describe('a checkpoint', () => {
  const key = parseSigningKey(suite.signing_seed_hex);

  for (const vector of suite.vectors) {
    it(`has the canonical form, hash and signature of the public vector ${vector.name}`, () => {
      assert.equal(canonicalCheckpoint(vector.input), vector.canonical);
      assert.equal(hashCheckpoint(vector.input), vector.sha256);
      assert.equal(key && signCheckpoint(vector.input, key).signature, vector.signature);
      assert.ok(isIntactCheckpoint(signed(vector)));
    });
  }

  it('follows the one before it, as the public vectors do', () => {
    suite.vectors.forEach(({ input }, index) => {
      assert.ok(followsCheckpoint(input, suite.vectors[index - 1]?.input));
    });
  });

  for (const vector of suite.negatives) {
    it(`is refused as the public vector ${vector.name} asks: ${vector.expect}`, () => {
      if (vector.expect === 'chain') {
        assert.ok(isIntactCheckpoint(signed(vector)));
        assert.equal(followsCheckpoint(vector.input, undefined), false);
      } else assert.equal(isIntactCheckpoint(signed(vector)), false);
      if (vector.expect === 'canonical') assert.throws(() => canonicalCheckpoint(vector.input), /two tips/);
    });
  }

  it('is refused with a member that no signature covers, and with an epoch that is none', () => {
    const [vector] = suite.vectors.slice(1);
    assert.ok(vector !== undefined && readSignedCheckpoint(signed(vector)) !== undefined);
    const withTip = (tip: object): unknown => ({
      ...signed(vector),
      checkpoint: { ...vector.input, tips: [{ ...vector.input.tips[0], ...tip }] },
    });
    assert.notEqual(readSignedCheckpoint(withTip({ epoch: 0 })), undefined);
    for (const tip of [{ epoch: null }, { epoch: 1.5 }, { epoch: '1' }, { epoch: -1 }, { note: '' }, { tip_hash: 1 }])
      assert.equal(readSignedCheckpoint(withTip(tip)), undefined, JSON.stringify(tip));
    assert.equal(readSignedCheckpoint({ ...signed(vector), checkpoint: { ...vector.input, note: '' } }), undefined);
    for (const value of [undefined, null, 1, 'x', [], {}]) assert.equal(readSignedCheckpoint(value), undefined);
  });

  it('tells epochs of one stream apart, whatever the order they come in', () => {
    const tip = { stream_id: 's', sequence_number: 1, tip_hash: 'aa', entry_count: 1 };
    const checkpoint = (epochs: readonly number[]): Checkpoint => ({
      prev_hash: '',
      seq: 1,
      timestamp: '',
      tips: epochs.map((epoch) => ({ ...tip, epoch })),
    });
    assert.equal(canonicalCheckpoint(checkpoint([10, 2])), canonicalCheckpoint(checkpoint([2, 10])));
    assert.throws(() => canonicalCheckpoint(checkpoint([2, 2])), /two tips/);
  });
});
