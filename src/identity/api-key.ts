/** The API key of a request, as an id that cannot be turned back into the key. Never verified: the service knows its keys. */

import { createHmac } from 'node:crypto';
import { textOf } from './claims.js';
import type { IdentityRequest, IdentitySource } from './identity.js';

export interface ApiKeySettings {
  /** Lower case. */
  readonly apiKeyHeader: string;
  /** How many characters of a key are its public part, such as `sk_live_a1b2`. 0: none. */
  readonly apiKeyPrefixLength: number;
  /** Without it, or a prefix, all keys have one id. */
  readonly hashKey?: string | undefined;
}

// What must stay unknown of a key whose beginning is shown: 16 characters of base64 are 96 bits.
const MIN_SECRET_LENGTH = 16;
// 22 characters of base64url: 128 bits, no two keys alike.
const HASH_LENGTH = 22;

export function createApiKeyIdentity({ apiKeyHeader, apiKeyPrefixLength, hashKey }: ApiKeySettings): IdentitySource {
  const idOf = (key: string): string => {
    if (apiKeyPrefixLength > 0 && key.length >= apiKeyPrefixLength + MIN_SECRET_LENGTH) return key.slice(0, apiKeyPrefixLength);
    if (hashKey === undefined) return 'api-key';
    return `key:${createHmac('sha256', hashKey).update(key).digest('base64url').slice(0, HASH_LENGTH)}`;
  };
  return ({ headers }: IdentityRequest) => {
    const key = textOf(headers[apiKeyHeader]);
    return key === undefined ? undefined : { actor: { id: idOf(key), type: 'service', source: 'api-key', verified: false } };
  };
}
