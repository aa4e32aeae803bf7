/**
 * What is particular to tokens of Microsoft Entra ID, versions 1.0 and 2.0.
 * @see https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
 */

import { type Claims, memberOf, textOf } from './claims.js';

/** `oid` is immutable only within its tenant `tid`, and a guest has another one in each: the key is both. */
export function entraKey(claims: Claims): string | undefined {
  const oid = textOf(memberOf(claims, 'oid'));
  const tid = textOf(memberOf(claims, 'tid'));
  return oid !== undefined && tid !== undefined ? `${tid}:${oid}` : undefined;
}

/**
 * `idtyp` is an optional claim. Without it an application's own token has no scopes, is its own subject, and shows roles or
 * a client that authenticated itself (`azpacr` in version 2, `appidacr` in version 1: 1 a secret, 2 a certificate).
 */
export function isEntraAppOnly(claims: Claims): boolean {
  if (claims['idtyp'] === 'app') return true;
  if (claims['idtyp'] === 'user' || claims['scp'] !== undefined) return false;
  if (claims['oid'] === undefined || claims['oid'] !== claims['sub']) return false;
  const clientAuthentication = String(claims['azpacr'] ?? claims['appidacr'] ?? '0');
  return Array.isArray(claims['roles']) || clientAuthentication === '1' || clientAuthentication === '2';
}

/** Version 1 names foreign accounts `live.com#ada@outlook.com`; `ada_outlook.com#EXT#@acme…` is a name of the directory, no address. */
export function plainAddress(name: string): string | undefined {
  if (name.includes('#EXT#')) return undefined;
  const address = name.slice(name.lastIndexOf('#') + 1);
  return address.includes('@') ? address : undefined;
}
