/** Fingerprints of what is configured, for the trail: equal for equal configurations, and of no use to guess a secret. */

import { canonicalize } from './canonical.js';
import type { AuditConfig } from './config.js';
import { sha256 } from './journal/chain.js';
import { fingerprintDestinations } from './journal/destinations.js';

/** Covers every setting but the policy; of secrets, only whether they are set, and of destinations, which they are. */
export function hashConfig(config: AuditConfig): string {
  const { policy: _, warnings: __, ...settings } = config;
  return sha256(canonicalize({ ...(withoutSecrets(settings) as object), destinations: fingerprintDestinations(config) }));
}

export function hashPolicy(policy: AuditConfig['policy']): string {
  return sha256(canonicalize(policy));
}

const SECRET = /url|secret|password|token|credential|connectionString|key$/i;

function withoutSecrets(value: unknown, name = ''): unknown {
  // What a module's settings mean, only the module knows.
  if (name === 'exporterSettings') return Object.keys(value as object);
  if (name === 'keys') return Object.entries(value as object).flatMap(([key, set]) => (set === undefined || set.length === 0 ? [] : [key]));
  if (typeof value === 'string' && SECRET.test(name)) return 'set';
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, name));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) => (member === undefined ? [] : [[key, withoutSecrets(member, key)]])),
  );
}
