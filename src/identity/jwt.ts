/** The actor that a bearer JWT claims. Decoded, not verified: never more than a claim. */

import type { Identity, IdentityRequest } from './identity.js';

/**
 * A bearer token that cannot be read yields an anonymous actor with `source: 'jwt'`, so that the attempt shows. The value is
 * set by the caller; `verified` is always false.
 */
export function jwtIdentity({ bearer }: IdentityRequest): Identity | undefined {
  return bearer?.claimed;
}
