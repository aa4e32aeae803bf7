/** Redacts what an identity source read from the request: names, ids and tenants are a client's text as much as a body is. */

import type { Identity, IdentitySource } from '../identity/identity.js';
import type { Redactor } from '../redaction/redactor.js';

export function redactClaims(source: IdentitySource, { text }: Redactor): IdentitySource {
  // Part by part: `<tid>:<oid>` as a whole reads like the assignment of a value to a name.
  const redacted = (claim: string): string => (claim.includes(':') ? claim.split(':').map(text).join(':') : text(claim));
  const maybe = (claim: string | undefined): string | undefined => (claim === undefined ? undefined : redacted(claim));
  return (request) => {
    const identity = source(request);
    return identity && redactIdentity(identity, redacted, maybe);
  };
}

function redactIdentity(
  { actor, tenant }: Identity,
  redacted: (claim: string) => string,
  maybe: (claim: string | undefined) => string | undefined,
): Identity {
  return {
    actor: {
      ...actor,
      id: redacted(actor.id),
      type: redacted(actor.type),
      email: maybe(actor.email),
      name: maybe(actor.name),
      roles: actor.roles?.map(redacted),
      tenantId: maybe(actor.tenantId),
      clientApp: maybe(actor.clientApp),
    },
    tenant: tenant && { id: maybe(tenant.id), slug: maybe(tenant.slug) },
  };
}
