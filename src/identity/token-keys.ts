/** The keys that tokens are verified with: one from the configuration, or a set that the identity provider publishes. */

import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { messageOf } from '../errors.js';
import { type FindKey, KeyUnavailable } from './verify-token.js';

const ASYMMETRIC: readonly string[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];
const SYMMETRIC: readonly string[] = ['HS256', 'HS384', 'HS512'];
export const ALGORITHMS: readonly string[] = [...ASYMMETRIC, ...SYMMETRIC];

export interface KeySettings {
  readonly jwksUrl?: string | undefined;
  /** PEM (SPKI, PKCS #1 or a certificate) or JWK. */
  readonly publicKey?: string | undefined;
  readonly secret?: string | undefined;
  readonly algorithms?: readonly string[] | undefined;
}

/** Public keys and secrets never share an algorithm: else a token signed with the public key as a secret would pass. */
export function allowedAlgorithms({ secret, algorithms }: KeySettings): readonly string[] {
  const possible = secret === undefined ? ASYMMETRIC : SYMMETRIC;
  return algorithms === undefined ? possible : possible.filter((algorithm) => algorithms.includes(algorithm));
}

/** @throws if it is no key, or a private one: that has no business in the configuration of an audit. */
export function parsePublicKey(text: string): KeyObject {
  if (text.includes('PRIVATE KEY')) throw new TypeError('a private key');
  if (!text.trimStart().startsWith('{')) return createPublicKey(text.replaceAll('\\n', '\n'));
  const jwk = JSON.parse(text) as import('node:crypto').JsonWebKey;
  if (jwk.d !== undefined) throw new TypeError('a private key');
  return createPublicKey({ key: jwk, format: 'jwk' });
}

/** Undefined where no key is configured. */
export function createKeys(settings: KeySettings, warn: (message: string) => void, cooldownMs = COOLDOWN_MS): FindKey | undefined {
  const { jwksUrl, publicKey, secret } = settings;
  if (jwksUrl !== undefined) return createKeySet(jwksUrl, warn, cooldownMs);
  if (publicKey === undefined && secret === undefined) return undefined;
  const key = publicKey === undefined ? createSecretKey(secret ?? '', 'utf8') : parsePublicKey(publicKey);
  return async () => key;
}

// jose's own defaults for the same: once a key is unknown, or the set is this old, it is fetched, but not more often.
const COOLDOWN_MS = 30_000;
const REFRESH_MS = 600_000;
const FETCH_TIMEOUT_MS = 5_000;

/**
 * Unlike jose's remote set it goes on with the keys it has while the provider cannot be reached, and refreshes beside the
 * requests instead of before one. Only an unknown `kid`, or having no keys at all, waits for a fetch.
 */
function createKeySet(url: string, warn: (message: string) => void, cooldownMs: number): FindKey {
  let findLocal: FindKey | undefined;
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let fetching: Promise<void> | undefined;

  async function fetchKeys(): Promise<void> {
    fetchedAt = performance.now();
    try {
      const { createLocalJWKSet } = await import('jose');
      // Not a part of the trace of the request that happens to be the first.
      const response = await context.with(suppressTracing(ROOT_CONTEXT), () =>
        fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS), headers: { accept: 'application/json' } }),
      );
      if (!response.ok) throw new Error(`status ${response.status}`);
      findLocal = createLocalJWKSet((await response.json()) as Parameters<typeof createLocalJWKSet>[0]);
    } catch (error) {
      const used = findLocal === undefined ? 'tokens stay unverified' : 'the keys fetched before stay in use';
      warn(`AUDIT_JWT_JWKS_URL: the keys cannot be fetched, ${used}: ${messageOf(error)}`);
    }
    fetching = undefined;
  }

  const refreshAfter = (ms: number): void => {
    if (fetching === undefined && performance.now() - fetchedAt > ms) fetching = fetchKeys();
  };

  return async (header, token) => {
    refreshAfter(findLocal === undefined ? cooldownMs : REFRESH_MS);
    if (findLocal === undefined) await fetching;
    if (findLocal === undefined) throw new KeyUnavailable('keys_unavailable');
    try {
      return await findLocal(header, token);
    } catch (error) {
      if ((error as { readonly code?: unknown }).code !== 'ERR_JWKS_NO_MATCHING_KEY') throw error;
      refreshAfter(cooldownMs);
      if (fetching === undefined) throw new KeyUnavailable('unknown_key');
      await fetching;
      return await findLocal(header, token);
    }
  };
}
