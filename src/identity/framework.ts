/**
 * The user that the service's own authentication put on the request: passport, express-jwt, express-oauth2-jwt-bearer,
 * `@fastify/jwt`, NestJS guards, Koa's `ctx.state`, hapi's credentials. The service decided: verified.
 */

import { type ClaimPath, type Claims, claimAt, claimPath, isClaims, keyOf, memberOf } from './claims.js';
import type { Identity, IdentityRequest, IdentitySource } from './identity.js';
import { type ClaimSettings, createTokenReader, type ReadIdentity } from './token-identity.js';

/** Where a service's user keeps what a token would claim. */
const OWN_IDS = ['sub', 'id', '_id', 'userId', 'user_id', 'uid', 'username', 'login', 'email'].map(claimPath);
const OWN_NAMES = ['displayName', 'fullName'].map(claimPath);
const OWN_TENANTS = ['tenantId', 'organizationId', 'orgId'].map(claimPath);
/** Wrappers around the user: `{ payload }` of express-oauth2-jwt-bearer, `{ user }` of sessions and of basic authentication. */
const WRAPPERS = ['payload', 'claims', 'user'];

export function createFrameworkIdentity(settings: ClaimSettings): IdentitySource {
  const readClaims = createTokenReader(settings);
  return ({ message, framework }: IdentityRequest) => {
    for (const holder of [message, framework, memberOf(message, 'state')]) {
      const identity = identityOf(memberOf(holder, 'user'), readClaims) ?? identityOf(memberOf(holder, 'auth'), readClaims);
      if (identity !== undefined) return identity;
    }
    return undefined;
  };
}

/** What a service says of its user, as its own object. */
function identityOf(user: unknown, readClaims: ReadIdentity): Identity | undefined {
  const key = keyOf(user);
  if (key !== undefined) return readClaims({ sub: key }, TRUST);
  if (!isClaims(user)) return undefined;
  for (const wrapper of WRAPPERS) {
    const inner = memberOf(user, wrapper);
    const identity = isClaims(inner) ? readUser(inner, readClaims) : keyOf(inner) && readClaims({ sub: keyOf(inner) }, TRUST);
    if (identity) return identity;
  }
  return readUser(user, readClaims);
}

const TRUST = { source: 'framework', verified: true } as const;

function readUser(user: Claims, readClaims: ReadIdentity): Identity | undefined {
  const identity = readClaims(user, TRUST, () => firstKey(user, OWN_IDS));
  if (identity === undefined) return undefined;
  const { actor, tenant } = identity;
  const tenantId = actor.tenantId ?? firstKey(user, OWN_TENANTS);
  return {
    actor: { ...actor, name: actor.name ?? firstKey(user, OWN_NAMES), tenantId },
    tenant: { id: tenantId, slug: tenant?.slug },
  };
}

function firstKey(user: Claims, paths: readonly ClaimPath[]): string | undefined {
  for (const path of paths) {
    const key = keyOf(claimAt(user, path));
    if (key !== undefined) return key;
  }
  return undefined;
}
