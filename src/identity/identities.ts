/** Who acts, and for which tenant: the sources and their order, compiled once from the configuration. */

import type { IncomingMessage } from 'node:http';
import { ANONYMOUS, type AuditActor, type AuditTenant, type JsonObject } from '../record.js';
import { type AddedSources, createAddedSources } from './added-sources.js';
import { type ApiKeySettings, createApiKeyIdentity } from './api-key.js';
import { basicIdentity } from './basic.js';
import { createBearerTokens, tokenOf } from './bearer.js';
import { createModuleSource, type LoadModule } from './custom-module.js';
import { createEasyAuthIdentity, EASY_AUTH_HEADERS } from './easy-auth.js';
import { createFrameworkIdentity } from './framework.js';
import { type Headers, type Identity, type IdentityRequest, type IdentitySource, resolveIdentity, WAIT } from './identity.js';
import { jwtIdentity } from './jwt.js';
import { certificateOf, mtlsIdentity } from './mtls.js';
import {
  createHeaderTenant,
  createHostTenant,
  createPathTenant,
  type FoundTenant,
  frameworkTenant,
  resolveTenant,
  type TenantSource,
  tokenTenant,
} from './tenant.js';
import { type ClaimSettings, createTokenReader } from './token-identity.js';
import { allowedAlgorithms, createKeys, type KeySettings } from './token-keys.js';
import { verifiedJwtIdentity } from './verified-jwt.js';
import { createTokenVerifier, type TokenRules } from './verify-token.js';

export const IDENTITY_SOURCES: readonly string[] = ['api', 'framework', 'verified-jwt', 'easy-auth', 'jwt', 'api-key', 'basic', 'mtls'];
/** The service routes on path and host, so they say where it acts; the token only where the actor comes from. */
export const TENANT_SOURCES: readonly string[] = ['api', 'framework', 'path', 'host', 'token', 'header'];

export interface IdentitySettings extends ClaimSettings, Omit<ApiKeySettings, 'hashKey'> {
  /** Names of `IDENTITY_SOURCES` or modules, in order. */
  readonly sources: readonly string[];
  /** Names of `TENANT_SOURCES` or modules, in order. */
  readonly tenantSources: readonly string[];
  readonly jwt: KeySettings & Omit<TokenRules, 'algorithms'>;
  /** The platform sets and strips EasyAuth's headers. */
  readonly easyAuth: boolean;
  /** Lower case. */
  readonly tenantHeader?: string | undefined;
  readonly tenantHost?: string | undefined;
  readonly tenantPath?: string | undefined;
}

export interface IdentityParts extends Pick<ApiKeySettings, 'hashKey'> {
  readonly load: LoadModule;
  readonly warn: (message: string) => void;
  /** More headers to read when the request starts, lower case. */
  readonly headerNames: readonly string[];
}

/** What the request itself shows, read when it starts: later the service may have changed it, and the socket be gone. */
export type Credentials = Pick<IdentityRequest, 'headers' | 'url' | 'bearer' | 'verification' | 'certificate'>;

/** What is known of the request when it is asked who acts. */
export interface WhoRequest extends IdentityRequest {
  readonly isFromProxy: boolean;
  /** What the service said through the API; it wins. */
  readonly words: { readonly actor?: AuditActor | undefined; readonly tenant?: AuditTenant | undefined };
}

export interface Who {
  readonly actor: AuditActor;
  readonly tenant: AuditTenant | undefined;
  /** Why actor or tenant are not believed, for the record's metadata. */
  readonly unverified?: JsonObject | undefined;
}

export interface Identities {
  /** Adds a function of the service's own, to be asked at the place of `api`. */
  readonly add: AddedSources['add'];
  begin(message: IncomingMessage, atMs: number): Credentials;
  /** `WAIT`: the verification is under way, and who acts depends on it. Never where `mayWait` is false. */
  who(request: WhoRequest, mayWait: boolean): Who | typeof WAIT;
}

export function createIdentities(settings: IdentitySettings, parts: IdentityParts): Identities {
  const read = createTokenReader(settings);
  const bearerOf = createBearerTokens(read);
  const findKey = createKeys(settings.jwt, parts.warn);
  const verify = findKey && createTokenVerifier({ ...settings.jwt, algorithms: allowedAlgorithms(settings.jwt) }, findKey, read);
  const places = { identify: settings.sources.includes('api'), tenantOf: settings.tenantSources.includes('api') };
  const added = createAddedSources(places, parts.warn);
  const sources = settings.sources.flatMap((name) => identitySource(name, settings, parts, added) ?? []);
  const tenantSources = settings.tenantSources.flatMap((name) => tenantSource(name, settings, parts, added) ?? []);
  const headerNames = headerNamesOf(settings, parts.headerNames);
  const tellsCertificate = settings.sources.includes('mtls');

  return {
    add: added.add,
    begin(message, atMs) {
      const headers = received(message.headers, headerNames);
      const bearer = bearerOf(headers);
      return {
        headers,
        url: message.url,
        bearer,
        verification: bearer?.isReadable === true ? verify?.(bearer, () => tokenOf(headers), atMs) : undefined,
        certificate: tellsCertificate ? certificateOf(message.socket) : undefined,
      };
    },
    who(request, mayWait) {
      const identity = request.words.actor === undefined ? resolveIdentity(sources, request, mayWait) : undefined;
      if (identity === WAIT) return WAIT;
      const found = request.words.tenant === undefined ? resolveTenant(tenantSources, request, identity) : undefined;
      return {
        actor: request.words.actor ?? identity?.actor ?? ANONYMOUS,
        tenant: request.words.tenant ?? found?.tenant,
        unverified: unverifiedOf(identity, request, found),
      };
    },
  };
}

function headerNamesOf({ apiKeyHeader, tenantHeader }: IdentitySettings, more: readonly string[]): readonly string[] {
  const names = ['authorization', 'host', ':authority', apiKeyHeader, ...EASY_AUTH_HEADERS, ...more];
  return [...new Set(tenantHeader === undefined ? names : [...names, tenantHeader])];
}

/** Only what a source reads: from thirty headers on, copying all of them takes some 10 µs, picking these at most 0.7. */
function received(headers: Headers, names: readonly string[]): Headers {
  const kept: Record<string, string | readonly string[]> = {};
  for (const name of names) {
    const value = headers[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

function identitySource(name: string, settings: IdentitySettings, parts: IdentityParts, added: AddedSources): IdentitySource | undefined {
  switch (name) {
    case 'api':
      return added.identify;
    case 'framework':
      return createFrameworkIdentity(settings);
    case 'verified-jwt':
      return verifiedJwtIdentity;
    case 'easy-auth':
      return settings.easyAuth ? createEasyAuthIdentity(createTokenReader(settings)) : undefined;
    case 'jwt':
      return jwtIdentity;
    case 'api-key':
      return createApiKeyIdentity({ ...settings, hashKey: parts.hashKey });
    case 'basic':
      return basicIdentity;
    case 'mtls':
      return mtlsIdentity;
    default:
      return createModuleSource(name, parts.load, parts.warn).identify;
  }
}

function tenantSource(
  name: string,
  { tenantHeader, tenantHost, tenantPath }: IdentitySettings,
  parts: IdentityParts,
  added: AddedSources,
): TenantSource | undefined {
  switch (name) {
    case 'api':
      return added.tenantOf;
    case 'framework':
      return frameworkTenant;
    case 'path':
      return tenantPath === undefined ? undefined : createPathTenant(tenantPath);
    case 'host':
      return tenantHost === undefined ? undefined : createHostTenant(tenantHost);
    case 'token':
      return tokenTenant;
    case 'header':
      return tenantHeader === undefined ? undefined : createHeaderTenant(tenantHeader);
    default:
      return createModuleSource(name, parts.load, parts.warn).tenantOf;
  }
}

function unverifiedOf(
  identity: Identity | undefined,
  { verification }: WhoRequest,
  found: FoundTenant | undefined,
): JsonObject | undefined {
  const isClaimed = identity?.actor.source === 'jwt' && !identity.actor.verified && verification !== undefined;
  const verdict = isClaimed ? (verification.verdict() ?? { reason: 'timeout' }) : undefined;
  const actor = verdict !== undefined && 'reason' in verdict ? { actor: verdict.reason } : undefined;
  const tenant = found?.isClaimed === true ? { tenant: 'header' } : undefined;
  return actor === undefined && tenant === undefined ? undefined : { ...actor, ...tenant };
}
