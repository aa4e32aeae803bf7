/** The functions that the service adds while it runs. They are asked where the configured order says `api`. */

import { type CustomSource, createCustomSource } from './custom.js';

export interface AddedSources extends CustomSource {
  /** Once each; what is no function is ignored. */
  add(kind: 'identify' | 'tenantOf', own: unknown): void;
}

/** By kind, whether the configured order has a place for them. */
export type Places = Readonly<Record<'identify' | 'tenantOf', boolean>>;

// Adding a new function with every request is a leak of the service's own making.
const MAX_ADDED = 32;

export function createAddedSources(places: Places, warn: (message: string) => void): AddedSources {
  const added: Record<'identify' | 'tenantOf', readonly unknown[]> = { identify: [], tenantOf: [] };
  return {
    ...createCustomSource(
      (name) => added[name],
      (fault) => warn(`a source added by the API ${fault}`),
    ),
    add(kind, own) {
      if (typeof own !== 'function' || added[kind].includes(own)) return;
      if (!places[kind]) warn(`${NAMES[kind]}: the source is not asked, the configured order does not name api`);
      else if (added[kind].length < MAX_ADDED) added[kind] = [...added[kind], own];
      else warn(`${NAMES[kind]}: the source is not asked, there are ${MAX_ADDED} already; add each once, not with every request`);
    },
  };
}

const NAMES = { identify: 'addIdentitySource (AUDIT_IDENTITY_SOURCES)', tenantOf: 'addTenantSource (AUDIT_TENANT_SOURCES)' };
