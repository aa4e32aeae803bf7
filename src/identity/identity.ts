/** What every identity source answers, and the chain that asks them in order. */

import type { AuditActor, AuditTenant } from '../record.js';

/** What a source may look at. Only data of the request itself; never the network. */
export interface IdentityRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export interface Identity {
  readonly actor: AuditActor;
  /** The tenant the identity speaks for, if it says one. */
  readonly tenant?: AuditTenant | undefined;
}

/** Pure and total: `undefined` when the request has nothing for this source. */
export type IdentitySource = (request: IdentityRequest) => Identity | undefined;

/** The first answer wins. A source that throws has no answer. */
export function resolveIdentity(sources: readonly IdentitySource[], request: IdentityRequest): Identity | undefined {
  for (const source of sources) {
    try {
      const identity = source(request);
      if (identity !== undefined) return identity;
    } catch {
      // Hostile input must cost the identity, never the record.
    }
  }
  return undefined;
}
