/** The actor that a bearer JWT claims. Decoded, not verified: never more than a claim. */

import type { AuditActor } from '../record.js';
import type { Identity, IdentityRequest } from './identity.js';

/** Longer tokens are not decoded: Node's own limit for all headers together is 16 KiB. */
const MAX_TOKEN_LENGTH = 16_384;
const BEARER = /^bearer +([\w-]+\.[\w-]+\.[\w-]*) *$/i;

type Claims = Readonly<Record<string, unknown>>;

/**
 * Reads `Authorization: Bearer <header>.<payload>.<signature>`. A bearer token that cannot be read yields an anonymous
 * actor with `source: 'jwt'`, so that the attempt shows. The value is set by the caller; `verified` is always false.
 */
export function jwtIdentity(request: IdentityRequest, typeAliases: Readonly<Record<string, string>> = {}): Identity | undefined {
  const header = request.headers['authorization'];
  if (typeof header !== 'string' || !/^bearer /i.test(header)) return undefined;
  const claims = decodeClaims(header);
  const id = claims && idOf(claims);
  if (claims === undefined || id === undefined) return { actor: { id: 'anonymous', type: 'anonymous', source: 'jwt', verified: false } };
  const tenantId = firstText(claims, 'tenant_id', 'tid', 'tenant');
  return { actor: actorOf(id, tenantId, claims, typeAliases), tenant: { id: tenantId, slug: firstText(claims, 'tenant_slug') } };
}

function decodeClaims(header: string): Claims | undefined {
  if (header.length > MAX_TOKEN_LENGTH) return undefined;
  const payload = BEARER.exec(header)?.[1]?.split('.')[1];
  if (payload === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null && !Array.isArray(claims) ? (claims as Claims) : undefined;
  } catch {
    return undefined;
  }
}

/** Entra: `oid` is immutable only within its tenant `tid`, so the key is both. */
function idOf(claims: Claims): string | undefined {
  const oid = firstText(claims, 'oid');
  const tid = firstText(claims, 'tid');
  if (oid !== undefined && tid !== undefined) return `${tid}:${oid}`;
  return firstText(claims, 'sub') ?? oid;
}

function actorOf(id: string, tenantId: string | undefined, claims: Claims, typeAliases: Readonly<Record<string, string>>): AuditActor {
  return {
    id,
    type: typeOf(claims, typeAliases),
    email: emailOf(claims),
    name: firstText(claims, 'name'),
    roles: rolesOf(claims),
    tenantId,
    clientApp: firstText(claims, 'azp', 'appid', 'client_id'),
    source: 'jwt',
    verified: false,
  };
}

function typeOf(claims: Claims, typeAliases: Readonly<Record<string, string>>): string {
  const claimed = firstText(claims, 'actor_type')?.toLowerCase();
  if (claimed !== undefined) return Object.hasOwn(typeAliases, claimed) ? (typeAliases[claimed] ?? claimed) : claimed;
  return isAppOnly(claims) ? 'service' : 'user';
}

/** `idtyp` is an optional claim; without it an Entra app-only token has roles, no scopes, and is its own subject. */
function isAppOnly(claims: Claims): boolean {
  if (claims['idtyp'] === 'app') return true;
  return claims['scp'] === undefined && Array.isArray(claims['roles']) && claims['oid'] !== undefined && claims['oid'] === claims['sub'];
}

/** `preferred_username` and `upn` look like addresses but need not be one. */
function emailOf(claims: Claims): string | undefined {
  const email = firstText(claims, 'email', 'preferred_username', 'upn');
  return email?.includes('@') === true ? email : undefined;
}

function rolesOf(claims: Claims): readonly string[] | undefined {
  const roles = claims['roles'] ?? claims['role'];
  if (typeof roles === 'string') return [roles];
  if (!Array.isArray(roles)) return undefined;
  return roles.filter((role) => typeof role === 'string');
}

function firstText(claims: Claims, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const claim = Object.hasOwn(claims, name) ? claims[name] : undefined;
    if (typeof claim === 'string' && claim !== '') return claim;
  }
  return undefined;
}
