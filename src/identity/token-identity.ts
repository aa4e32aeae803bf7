/** Makes an identity of the claims of a token, or of the user object that a service made of them. */

import type { AuditActor } from '../record.js';
import { type ClaimPath, type Claims, claimAt, claimPath, memberOf, textOf } from './claims.js';
import { entraKey, isEntraAppOnly, plainAddress } from './entra.js';
import type { Identity } from './identity.js';

export const CLAIM_MEMBERS = ['id', 'type', 'email', 'name', 'roles', 'scopes', 'groups', 'tenantId', 'tenantSlug', 'clientApp'] as const;
export type ClaimMember = (typeof CLAIM_MEMBERS)[number];

export interface ClaimSettings {
  /** Which claim a member is read from, instead of the usual ones. */
  readonly claims: Readonly<Partial<Record<ClaimMember, string>>>;
  /** From what a token says its actor's type is to what the record says. Keys in lower case. */
  readonly actorTypeAliases: Readonly<Record<string, string>>;
}

/** The usual claims, the first that is there counts: Entra ID, Auth0, Okta, Cognito, Keycloak, Firebase, Google. */
const USUAL: Readonly<Record<ClaimMember, readonly string[]>> = {
  id: ['sub', 'oid'],
  type: ['actor_type'],
  email: ['email', 'preferred_username', 'upn', 'unique_name', 'emails'],
  name: ['name', 'app_displayname'],
  roles: ['roles', 'role', 'realm_access.roles'],
  scopes: ['scp', 'scope', 'scopes'],
  groups: ['groups', 'cognito:groups'],
  tenantId: ['tenant_id', 'tid', 'tenant', 'org_id', 'organization_id', 'custom:tenant_id', 'firebase.tenant'],
  tenantSlug: ['tenant_slug', 'org_slug', 'org_name', 'organization', 'hd'],
  clientApp: ['azp', 'appid', 'client_id', 'cid'],
};

/** More than a record keeps, so that the cut shows there. */
const MAX_ITEMS = 65;

/** Undefined if the claims name nobody, and `ownId` neither. */
export type ReadIdentity = (
  claims: Claims,
  trust: Pick<AuditActor, 'source' | 'verified'>,
  ownId?: () => string | undefined,
) => Identity | undefined;

export function createTokenReader(settings: ClaimSettings): ReadIdentity {
  const paths = pathsOf(settings);
  // A mapped id is the service's own key; the directory's would mix two kinds of keys.
  const readsEntraKey = settings.claims.id === undefined;
  return (claims, trust, ownId) => {
    const id = (readsEntraKey ? entraKey(claims) : undefined) ?? first(claims, paths.id, textOf) ?? ownId?.();
    if (id === undefined) return undefined;
    const tenant = { id: first(claims, paths.tenantId, textOf), slug: first(claims, paths.tenantSlug, oneText) };
    const actor: AuditActor = {
      id,
      type: typeOf(claims, paths.type, settings.actorTypeAliases),
      email: first(claims, paths.email, addressOf),
      name: first(claims, paths.name, textOf),
      roles: first(claims, paths.roles, namesOf),
      scopes: first(claims, paths.scopes, scopesOf),
      groups: first(claims, paths.groups, namesOf),
      tenantId: tenant.id,
      clientApp: first(claims, paths.clientApp, textOf),
      ...trust,
    };
    return { actor, tenant };
  };
}

function pathsOf({ claims }: ClaimSettings): Readonly<Record<ClaimMember, readonly ClaimPath[]>> {
  const entries = CLAIM_MEMBERS.map((member) => {
    const mapped = claims[member];
    return [member, (mapped === undefined ? USUAL[member] : [mapped]).map(claimPath)] as const;
  });
  return Object.fromEntries(entries) as unknown as Readonly<Record<ClaimMember, readonly ClaimPath[]>>;
}

function first<Value>(claims: Claims, paths: readonly ClaimPath[], read: (value: unknown) => Value | undefined): Value | undefined {
  for (const path of paths) {
    const value = read(claimAt(claims, path));
    if (value !== undefined) return value;
  }
  return undefined;
}

function typeOf(claims: Claims, paths: readonly ClaimPath[], aliases: Readonly<Record<string, string>>): string {
  const claimed = first(claims, paths, textOf)?.toLowerCase();
  if (claimed !== undefined) return Object.hasOwn(aliases, claimed) ? (aliases[claimed] ?? claimed) : claimed;
  return isEntraAppOnly(claims) || isClientItself(claims) ? 'service' : 'user';
}

/** The client credentials grant: Auth0 says it; RFC 9068 makes the client its own subject; Keycloak gives it a user. */
function isClientItself(claims: Claims): boolean {
  if (claims['gty'] === 'client-credentials') return true;
  const client = textOf(claims['client_id']) ?? textOf(claims['cid']) ?? textOf(claims['azp']);
  return client !== undefined && (claims['sub'] === client || claims['preferred_username'] === `service-account-${client}`);
}

/** `preferred_username` and `upn` look like addresses but need not be one; B2C has a list. */
function addressOf(value: unknown): string | undefined {
  const name = textOf(Array.isArray(value) ? (memberOf(value[0], 'value') ?? value[0]) : value);
  return name === undefined ? undefined : plainAddress(name);
}

/** One name or a list of them; a service's own user may have `[{ id: 1, name: 'admin' }]`. */
export function namesOf(value: unknown): readonly string[] | undefined {
  if (typeof value === 'string') return value === '' ? undefined : [value];
  if (!Array.isArray(value)) return undefined;
  const names = value.slice(0, MAX_ITEMS).flatMap((item) => textOf(item) ?? textOf(memberOf(item, 'name')) ?? []);
  return names.length === 0 ? undefined : names;
}

/** RFC 8693 §4.2 separates them by spaces; Okta has a list. */
export function scopesOf(value: unknown): readonly string[] | undefined {
  const scopes = typeof value === 'string' ? value.split(' ', MAX_ITEMS).filter((scope) => scope !== '') : namesOf(value);
  return scopes?.length === 0 ? undefined : scopes;
}

/** Keycloak lists the organizations of a user: of several none is the one acted for. */
function oneText(value: unknown): string | undefined {
  return textOf(Array.isArray(value) && value.length === 1 ? value[0] : value);
}
