/** The actor of a bearer JWT whose signature, issuer, audience and times have been checked. */

import { type Identity, type IdentityRequest, WAIT } from './identity.js';

/** Undefined where verification failed or is not configured: then the claim is for the next source. */
export function verifiedJwtIdentity({ verification }: IdentityRequest): Identity | typeof WAIT | undefined {
  if (verification === undefined) return undefined;
  const verdict = verification.verdict();
  if (verdict === undefined) return WAIT;
  return 'identity' in verdict ? verdict.identity : undefined;
}
