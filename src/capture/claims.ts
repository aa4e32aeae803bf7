/** Redacts what identity sources read from the request: names, ids and tenants are a client's text as much as a body is. */

import type { Who } from '../identity/identities.js';
import type { AuditActor, AuditTenant } from '../record.js';
import type { Redactor } from '../redaction/redactor.js';
import type { ServiceWords } from './exchange.js';

// No header is longer, but a service's own user may be: of 10 MB, which take seconds, the record keeps 256 bytes.
const MAX_LENGTH = 16_384;

/** Leaves the service's own words as they are. */
export function redactWho(who: Who, words: ServiceWords, { text }: Redactor): Who {
  const redact = (claim: string): string => {
    const bounded = claim.length > MAX_LENGTH ? claim.slice(0, MAX_LENGTH) : claim;
    // Part by part: `<tid>:<oid>` as a whole reads like the assignment of a value to a name.
    return bounded.includes(':') ? bounded.split(':').map(text).join(':') : text(bounded);
  };
  return {
    ...who,
    actor: words.actor === undefined && who.actor.source !== undefined ? redactActor(who.actor, redact) : who.actor,
    tenant: words.tenant === undefined ? redactTenant(who.tenant, redact) : who.tenant,
  };
}

type Redact = (claim: string) => string;

function redactActor(actor: AuditActor, redact: Redact): AuditActor {
  return {
    ...actor,
    id: redact(actor.id),
    type: redact(actor.type),
    email: maybe(actor.email, redact),
    name: maybe(actor.name, redact),
    roles: actor.roles?.map(redact),
    scopes: actor.scopes?.map(redact),
    groups: actor.groups?.map(redact),
    tenantId: maybe(actor.tenantId, redact),
    clientApp: maybe(actor.clientApp, redact),
  };
}

function redactTenant(tenant: AuditTenant | undefined, redact: Redact): AuditTenant | undefined {
  return tenant && { id: maybe(tenant.id, redact), slug: maybe(tenant.slug, redact) };
}

function maybe(claim: string | undefined, redact: Redact): string | undefined {
  return claim === undefined ? undefined : redact(claim);
}
