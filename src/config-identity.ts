/** The settings that say who acts, for whom and from where. */

import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import ipaddr from 'ipaddr.js';
import * as v from 'valibot';
import type { ClientSettings, ProxyTrust } from './capture/trusted-proxy.js';
import { flag, headerName, integer, list, oneOf, pairs, text } from './config-values.js';
import { IDENTITY_SOURCES, type IdentitySettings, TENANT_SOURCES } from './identity/identities.js';
import { CLAIM_MEMBERS, type ClaimMember } from './identity/token-identity.js';
import { ALGORITHMS, allowedAlgorithms, parsePublicKey } from './identity/token-keys.js';

export interface IdentityConfig extends IdentitySettings {
  readonly logAnonymous: boolean;
  /** Where modules named as sources are looked for. */
  readonly directory: string;
}

export interface ClientConfig extends ClientSettings {
  /** Absolute paths. */
  readonly geoDatabases: readonly string[];
}

const url = v.pipe(
  text,
  v.check((value) => /^https?:\/\//.test(value) && URL.canParse(value), 'must be a URL of the form https://issuer/keys'),
);

const claims = v.pipe(
  pairs,
  v.check(
    (map) => Object.keys(map).every((name) => CLAIM_MEMBERS.includes(name as ClaimMember)),
    `must be a list of member=claim, of ${CLAIM_MEMBERS.join(', ')}`,
  ),
  v.transform((map) => map as Partial<Record<ClaimMember, string>>),
);

const algorithms = v.pipe(
  list,
  v.check((names) => names.length > 0 && names.every((name) => ALGORITHMS.includes(name)), `must be of ${ALGORITHMS.join(', ')}`),
);

const pattern = v.pipe(
  text,
  v.check((value) => value.split('{tenant}').length === 2, 'must hold {tenant} once'),
);

// More proxies than that are a mistake for a range.
const MAX_PROXIES = 16;
const TRUST = `must be the number of proxies (1 to ${MAX_PROXIES}) or a list of addresses and CIDR ranges; loopback and private stand for theirs`;
const RANGES: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', 'fc00::/7', 'fe80::/10'],
};

const trustProxy = v.pipe(
  v.union([v.number(), v.string(), v.array(v.string())], TRUST),
  v.check((value) => trustOf(value) !== undefined, TRUST),
  v.transform((value) => trustOf(value)),
);

export const IDENTITY_ENTRIES = {
  LOG_ANONYMOUS: v.optional(flag, true),
  ACTOR_TYPE_ALIASES: v.optional(
    v.pipe(
      pairs,
      v.transform((map) => Object.fromEntries(Object.entries(map).map(([claimed, recorded]) => [claimed.toLowerCase(), recorded]))),
    ),
    {},
  ),
  IDENTITY_SOURCES: v.optional(list, [...IDENTITY_SOURCES]),
  JWT_JWKS_URL: v.optional(url),
  JWT_PUBLIC_KEY: v.optional(v.pipe(text, v.check(isPublicKey, 'must be a public key as PEM or JWK'))),
  JWT_SECRET: v.optional(text),
  JWT_ISSUER: v.optional(list, []),
  JWT_AUDIENCE: v.optional(list, []),
  JWT_ALGORITHMS: v.optional(algorithms),
  JWT_CLAIMS: v.optional(claims, {}),
  EASY_AUTH: v.optional(oneOf('auto', 'on', 'off'), 'auto'),
  API_KEY_HEADER: v.optional(headerName, 'x-api-key'),
  API_KEY_PREFIX_LENGTH: v.optional(integer(0, 64), 0),
  TENANT_SOURCES: v.optional(list, [...TENANT_SOURCES]),
  TENANT_HEADER: v.optional(headerName),
  TENANT_HOST: v.optional(pattern),
  TENANT_PATH: v.optional(pattern),
  TRUST_PROXY: v.optional(trustProxy),
  CLIENT_HEADER: v.optional(headerName, 'x-forwarded-for'),
  FRONT_DOOR_ID: v.optional(text),
  GEOIP_DATABASE: v.optional(list, []),
};

const SCHEMA = v.object(IDENTITY_ENTRIES);
type IdentityValues = v.InferOutput<typeof SCHEMA>;

export function assembleIdentity(
  settings: IdentityValues,
  env: Readonly<Record<string, string | undefined>>,
  directory: string,
): IdentityConfig {
  return {
    logAnonymous: settings.LOG_ANONYMOUS,
    actorTypeAliases: settings.ACTOR_TYPE_ALIASES,
    claims: settings.JWT_CLAIMS,
    sources: settings.IDENTITY_SOURCES,
    tenantSources: settings.TENANT_SOURCES,
    jwt: {
      jwksUrl: settings.JWT_JWKS_URL,
      publicKey: settings.JWT_PUBLIC_KEY,
      secret: settings.JWT_SECRET,
      algorithms: settings.JWT_ALGORITHMS,
      issuers: settings.JWT_ISSUER,
      audiences: settings.JWT_AUDIENCE,
    },
    easyAuth: settings.EASY_AUTH === 'on' || (settings.EASY_AUTH === 'auto' && /^true$/i.test(env['WEBSITE_AUTH_ENABLED'] ?? '')),
    apiKeyHeader: settings.API_KEY_HEADER,
    apiKeyPrefixLength: settings.API_KEY_PREFIX_LENGTH,
    tenantHeader: settings.TENANT_HEADER,
    tenantHost: settings.TENANT_HOST,
    tenantPath: settings.TENANT_PATH,
    directory,
  };
}

export function assembleClient(settings: IdentityValues, directory: string): ClientConfig {
  return {
    trustProxy: settings.TRUST_PROXY,
    clientHeader: settings.CLIENT_HEADER,
    frontDoorId: settings.FRONT_DOOR_ID,
    geoDatabases: settings.GEOIP_DATABASE.map((file) => path.resolve(directory, file)),
  };
}

/** What no setting can know alone. */
export function identityFaults(settings: IdentityValues, directory: string): readonly string[] {
  const faults: string[] = [];
  const { JWT_JWKS_URL, JWT_PUBLIC_KEY, JWT_SECRET, JWT_ALGORITHMS } = settings;
  const keys = { jwksUrl: JWT_JWKS_URL, publicKey: JWT_PUBLIC_KEY, secret: JWT_SECRET };
  if (Object.values(keys).filter((key) => key !== undefined).length > 1)
    faults.push('AUDIT_JWT_SECRET: only one of AUDIT_JWT_JWKS_URL, AUDIT_JWT_PUBLIC_KEY and AUDIT_JWT_SECRET may be set');
  if (allowedAlgorithms({ ...keys, algorithms: JWT_ALGORITHMS }).length === 0)
    faults.push(
      'AUDIT_JWT_ALGORITHMS: none of them fits the key; HS256, HS384 and HS512 go with AUDIT_JWT_SECRET, the others with public keys',
    );
  for (const file of settings.GEOIP_DATABASE) {
    if (!isReadable(path.resolve(directory, file)))
      faults.push('AUDIT_GEOIP_DATABASE: a file cannot be read; check its path and permissions');
  }
  const require = createRequire(path.join(directory, 'package.json'));
  for (const [variable, names, builtIn] of [
    ['AUDIT_IDENTITY_SOURCES', settings.IDENTITY_SOURCES, IDENTITY_SOURCES],
    ['AUDIT_TENANT_SOURCES', settings.TENANT_SOURCES, TENANT_SOURCES],
  ] as const) {
    if (!names.every((name) => builtIn.includes(name) || resolves(require, name)))
      faults.push(`${variable}: must be of ${builtIn.join(', ')} or modules that can be found from the working directory`);
  }
  return faults;
}

/** A token that was issued for another service is genuine, too. */
export function identityWarnings({ JWT_JWKS_URL, JWT_AUDIENCE }: IdentityValues): readonly string[] {
  if (JWT_JWKS_URL === undefined || JWT_AUDIENCE.length > 0) return [];
  return ['AUDIT_JWT_AUDIENCE is not set: tokens that the provider issued for other services count as verified'];
}

function trustOf(value: number | string | readonly string[]): ProxyTrust | undefined {
  const items = (typeof value === 'object' ? [...value] : String(value).split(',')).map((item) => item.trim());
  const [only = ''] = items;
  if (items.length === 1 && /^\d{1,2}$/.test(only))
    return Number(only) >= 1 && Number(only) <= MAX_PROXIES ? { hops: Number(only) } : undefined;
  const ranges = items.flatMap((item) => (Object.hasOwn(RANGES, item) ? (RANGES[item] ?? []) : [item]));
  return ranges.every(isRange) ? { ranges } : undefined;
}

function isRange(range: string): boolean {
  return range.includes('/') ? ipaddr.isValidCIDR(range) : ipaddr.isValid(range);
}

function isPublicKey(value: string): boolean {
  try {
    return parsePublicKey(value).type === 'public';
  } catch {
    return false;
  }
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function resolves(require: NodeJS.Require, name: string): boolean {
  try {
    require.resolve(name);
    return true;
  } catch {
    return false;
  }
}
