/**
 * The actor that Azure's built-in authentication (EasyAuth) names. Its headers are believed only where the platform sets and
 * strips them: the configuration says so, or App Service itself (`WEBSITE_AUTH_ENABLED`). Anywhere else a client can send them.
 * @see https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities
 */

import { type Claims, isClaims, memberOf, textOf } from './claims.js';
import type { Headers, Identity, IdentityRequest, IdentitySource } from './identity.js';
import type { ReadIdentity } from './token-identity.js';

export const EASY_AUTH_HEADERS: readonly string[] = ['x-ms-client-principal', 'x-ms-client-principal-id', 'x-ms-client-principal-name'];

/** The platform spells the claims of a token in these ways. */
const SPELLINGS: Readonly<Record<string, string>> = {
  'http://schemas.microsoft.com/identity/claims/objectidentifier': 'oid',
  'http://schemas.microsoft.com/identity/claims/tenantid': 'tid',
  'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier': 'sub',
  'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress': 'email',
  'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn': 'upn',
  'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name': 'name',
  'http://schemas.microsoft.com/ws/2008/06/identity/claims/role': 'roles',
  'http://schemas.microsoft.com/identity/claims/scope': 'scp',
};
const TRUST = { source: 'easy-auth', verified: true } as const;
const MAX_CLAIMS = 500;

export function createEasyAuthIdentity(read: ReadIdentity): IdentitySource {
  return ({ headers }: IdentityRequest) => fromPrincipal(headers, read) ?? fromName(headers);
}

function fromPrincipal(headers: Headers, read: ReadIdentity): Identity | undefined {
  const header = textOf(headers['x-ms-client-principal']);
  if (header === undefined) return undefined;
  try {
    const principal: unknown = JSON.parse(Buffer.from(header, 'base64').toString('utf8'));
    return isClaims(principal) ? read(claimsOf(principal), TRUST) : undefined;
  } catch {
    return undefined;
  }
}

/** Claims that occur as often as they have values. */
const LISTS: readonly string[] = ['roles', 'groups'];

/** `{ role_typ, claims: [{ typ, val }] }`; of any other claim that occurs several times the first counts. */
function claimsOf(principal: Claims): Claims {
  const listed = memberOf(principal, 'claims');
  const roleType = textOf(principal['role_typ']);
  const claims: Record<string, unknown> = Object.create(null);
  for (const claim of Array.isArray(listed) ? listed.slice(0, MAX_CLAIMS) : []) {
    const type = textOf(memberOf(claim, 'typ'));
    const value = memberOf(claim, 'val');
    if (type === undefined) continue;
    const name = type === roleType ? 'roles' : (SPELLINGS[type] ?? type);
    if (!LISTS.includes(name)) claims[name] ??= value;
    else claims[name] = [...((claims[name] as unknown[] | undefined) ?? []), value];
  }
  return claims;
}

/** Without the principal the platform still says id and name. */
function fromName(headers: Headers): Identity | undefined {
  const id = textOf(headers['x-ms-client-principal-id']);
  if (id === undefined) return undefined;
  const name = textOf(headers['x-ms-client-principal-name']);
  return { actor: { id, type: 'user', name, email: name?.includes('@') === true ? name : undefined, ...TRUST } };
}
