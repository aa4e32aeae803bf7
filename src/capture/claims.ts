/** Redacts what an identity source read from the request: names, ids and tenants are a client's text as much as a body is. */

import type { Identity, IdentitySource } from '../identity/identity.js';
import type { Redactor } from '../redaction/redactor.js';

// People come again with every request. Emptied when full, so that invented ones fill no memory.
const MAX_REMEMBERED = 1000;

export function redactClaims(source: IdentitySource, redactor: Redactor): IdentitySource {
  const remembered = new Map<string, string>();
  const redacted = (text: string): string => {
    const known = remembered.get(text);
    if (known !== undefined) return known;
    // Part by part: `<tid>:<oid>` as a whole reads like the assignment of a value to a name.
    const result = text.split(':').map(redactor.text).join(':');
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(text, result);
    return result;
  };
  return (request) => {
    const identity = source(request);
    return identity && redactIdentity(identity, redacted);
  };
}

function redactIdentity({ actor, tenant }: Identity, redacted: (text: string) => string): Identity {
  const maybe = (text: string | undefined): string | undefined => (text === undefined ? undefined : redacted(text));
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
