/** Sources of the service's own: functions that it adds by the API, or that a module exports. Guarded: whatever they do, a record is made. */

import type { IncomingMessage } from 'node:http';
import { nameOf } from '../errors.js';
import { keyOf, memberOf, textOf } from './claims.js';
import type { Headers, Identity, IdentityRequest } from './identity.js';
import { type FoundTenant, type TenantRequest, tenantOf } from './tenant.js';
import { namesOf, scopesOf } from './token-identity.js';

/** What a source of the service's own gets. Asked when the response has closed, and for each event recorded before: several times. */
export interface SourceRequest {
  readonly headers: Headers;
  /** As received, with the query. */
  readonly url?: string | undefined;
  /** The request object as the service has left it: what its middleware put there can be read. */
  readonly message: IncomingMessage;
  /** The framework's own request object, where that is another one. */
  readonly framework?: object | undefined;
}

export interface CustomSource {
  identify(request: IdentityRequest): Identity | undefined;
  tenantOf(request: TenantRequest): FoundTenant | undefined;
}

/** `findAll` answers the functions to be asked under that name, in order; the first answer counts. */
export function createCustomSource(
  findAll: (name: 'identify' | 'tenantOf') => readonly unknown[],
  warn: (fault: string) => void,
): CustomSource {
  let isAsked = false;
  let isWarned = false;
  const warnOnce = (fault: string): void => {
    if (!isWarned) warn(fault);
    isWarned = true;
  };

  function answerOf(own: unknown, request: SourceRequest): unknown {
    if (typeof own !== 'function') return undefined;
    try {
      const answer: unknown = Reflect.apply(own, undefined, [request]);
      if (typeof memberOf(answer, 'then') !== 'function') return answer;
      // Nobody waits for it, so nobody else would hear of its rejection: that ends a process.
      Promise.resolve(answer).catch(() => {});
      warnOnce(
        'answered with a promise, which is not waited for; what takes time belongs into a middleware that calls setActor or setTenant',
      );
    } catch (error) {
      warnOnce(`threw and has no answer where it does: ${nameOf(error)}`);
    }
    return undefined;
  }

  function ask<Answer>(
    name: 'identify' | 'tenantOf',
    request: IdentityRequest,
    read: (value: unknown) => Answer | undefined,
  ): Answer | undefined {
    // A source that records an event itself would be asked for that event's actor, and so on without end.
    if (isAsked) return undefined;
    isAsked = true;
    try {
      for (const own of findAll(name)) {
        const answer = read(answerOf(own, sourceRequestOf(request)));
        if (answer !== undefined) return answer;
      }
      return undefined;
    } finally {
      isAsked = false;
    }
  }

  return {
    identify: (request) => ask('identify', request, identityOf),
    tenantOf(request) {
      const tenant = ask('tenantOf', request, tenantOf);
      return tenant && { tenant };
    },
  };
}

function sourceRequestOf({ headers, url, message, framework }: IdentityRequest): SourceRequest {
  const received = message as IncomingMessage;
  return { headers: (memberOf(message, 'headers') as Headers | undefined) ?? headers, url, message: received, framework };
}

/** An actor as the function gives it, or its id alone; verified only if it says so. */
function identityOf(value: unknown): Identity | undefined {
  const id = keyOf(value) ?? keyOf(memberOf(value, 'id'));
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
