/** Sources of the service's own: a module that exports `identify(request)`, `tenantOf(request)` or both. */

import { keyOf, memberOf, textOf } from './claims.js';
import type { Identity, IdentityRequest } from './identity.js';
import { type FoundTenant, tenantOf } from './tenant.js';
import { namesOf, scopesOf } from './token-identity.js';

/** What the functions of a module get: the request as the service has left it, and its URL as received. */
export type CustomRequest = Pick<IdentityRequest, 'headers' | 'url' | 'message' | 'framework'>;

/** Loads a module by its name or path. */
export type LoadModule = (name: string) => unknown;

export interface CustomSource {
  identify(request: IdentityRequest): Identity | undefined;
  tenantOf(request: IdentityRequest): FoundTenant | undefined;
}

/** Loaded with the first request: at the preload's time nothing of the service may be loaded. A module that fails has no answers. */
export function createCustomSource(name: string, load: LoadModule, warn: (message: string) => void): CustomSource {
  let module: unknown;
  let isLoaded = false;
  const call = (member: string, { url, message, framework, ...received }: IdentityRequest): unknown => {
    const headers = (memberOf(message, 'headers') ?? received.headers) as CustomRequest['headers'];
    if (!isLoaded) {
      isLoaded = true;
      module = loadOrWarn(name, load, warn);
    }
    const own = memberOf(module, member) ?? memberOf(memberOf(module, 'default'), member);
    return typeof own === 'function'
      ? Reflect.apply(own, undefined, [{ headers, url, message, framework } satisfies CustomRequest])
      : undefined;
  };
  return {
    identify: (request) => identityOf(call('identify', request)),
    tenantOf(request) {
      const tenant = tenantOf(call('tenantOf', request));
      return tenant && { tenant };
    },
  };
}

function loadOrWarn(name: string, load: LoadModule, warn: (message: string) => void): unknown {
  try {
    return load(name);
  } catch (error) {
    warn(`the identity source ${name} cannot be loaded and has no answers: ${error instanceof Error ? error.name : 'not an Error'}`);
    return undefined;
  }
}

/** An actor as the module gives it; verified only if it says so. */
function identityOf(value: unknown): Identity | undefined {
  const id = keyOf(memberOf(value, 'id'));
  if (id === undefined) return undefined;
  const text = (name: string): string | undefined => textOf(memberOf(value, name));
  const tenantId = keyOf(memberOf(value, 'tenantId'));
  return {
    actor: {
      id,
      type: text('type') ?? 'user',
      email: text('email'),
      name: text('name'),
      roles: namesOf(memberOf(value, 'roles')),
      scopes: scopesOf(memberOf(value, 'scopes')),
      groups: namesOf(memberOf(value, 'groups')),
      tenantId,
      clientApp: text('clientApp'),
      source: 'custom',
      verified: memberOf(value, 'verified') === true,
    },
    tenant: { id: tenantId },
  };
}
