import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadConfig } from '../../src/config.js';
import { hashConfig, hashPolicy } from '../../src/config-hash.js';

const load = (overrides: Record<string, unknown>) => loadConfig({ env: {}, directory: '/', overrides });
const hashOf = (overrides: Record<string, unknown>): string => hashConfig(load(overrides));

describe('the hash of a configuration', () => {
  it('changes with every setting and with the destination', () => {
    const base = hashOf({});
    for (const changes of [
      { MAX_BODY_BYTES: 1 },
      { LOG_ANONYMOUS: false },
      { REDACT_FIELDS: 'x' },
      { HASH_KEY: 'k'.repeat(32) },
      { FILE_DIR: 'x' },
    ])
      assert.notEqual(hashOf(changes), base, JSON.stringify(changes));
    assert.notEqual(hashOf({ POSTGRES_URL: 'postgres://h/a' }), hashOf({ POSTGRES_URL: 'postgres://h/b' }));
    assert.equal(hashOf({ MAX_BODY_BYTES: '1' }), hashOf({ MAX_BODY_BYTES: 1 }));
  });

  it('is the same whatever the secrets are: it must be of no use to guess one', () => {
    assert.equal(hashOf({ POSTGRES_URL: 'postgres://u:one@h/a' }), hashOf({ POSTGRES_URL: 'postgres://u:two@h/a' }));
    assert.equal(hashOf({ HASH_KEY: 'a'.repeat(32) }), hashOf({ HASH_KEY: 'b'.repeat(32) }));
    assert.equal(hashOf({ exporters: { mine: { apiKey: 'one' } } }), hashOf({ exporters: { mine: { apiKey: 'two' } } }));
  });

  it('leaves the policy to a hash of its own', () => {
    const policy = [{ level: 'full' }];
    assert.equal(hashOf({ policy }), hashOf({}));
    assert.notEqual(hashPolicy(load({ policy }).policy), hashPolicy(load({}).policy));
  });
});
