/** What every identity source is asked and answers, and the chain that asks them in order. */

import type { AuditActor, AuditTenant } from '../record.js';
import type { BearerToken } from './bearer.js';
import type { Verification } from './verify-token.js';

/** What a source may look at. Only data of the request itself; never the network. */
export interface IdentityRequest {
  /** Those that sources read, as received: the service may change its own copy, and a proxy does. */
  readonly headers: Headers;
  /** As received, with the query. */
  readonly url?: string | undefined;
  /** The request object that the service works on; frameworks and middleware put what they decided on it. */
  readonly message?: object | undefined;
  /** The framework's own request object, where that is another one. */
  readonly framework?: object | undefined;
  readonly bearer?: BearerToken | undefined;
  /** The verification of `bearer`, if one is configured. */
  readonly verification?: Verification | undefined;
  readonly certificate?: ClientCertificate | undefined;
}

export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The certificate that the peer of the connection showed. */
export interface ClientCertificate {
  readonly subject: string;
  /** The service's own TLS server has checked its chain. */
  readonly authorized: boolean;
}

export interface Identity {
  readonly actor: AuditActor;
  /** The tenant the identity speaks for, if it says one. */
  readonly tenant?: AuditTenant | undefined;
}

/** The answer is on its way: `verification.settled` says when to ask again. */
export const WAIT: unique symbol = Symbol('wait');

/** Pure and total: `undefined` when the request has nothing for this source. */
export type IdentitySource = (request: IdentityRequest) => Identity | typeof WAIT | undefined;

/**
 * The first answer wins; an anonymous one (a token that cannot be read) only if no other source has any, so that garbage
 * in one header cannot hide who is known from another place. A source that throws has no answer.
 */
export function resolveIdentity(
  sources: readonly IdentitySource[],
  request: IdentityRequest,
  mayWait: boolean,
): Identity | typeof WAIT | undefined {
  let attempt: Identity | undefined;
  for (const source of sources) {
    try {
      const answer = source(request);
      if (answer === WAIT && mayWait) return WAIT;
      if (answer === undefined || answer === WAIT) continue;
      if (answer.actor.type !== 'anonymous') return answer;
      attempt ??= answer;
    } catch {
      // Hostile input must cost the identity, never the record.
    }
  }
  return attempt;
}
