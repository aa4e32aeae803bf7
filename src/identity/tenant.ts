/** The tenant a request acts in: one source a function, asked in the configured order. The actor's own is another matter. */

import type { AuditTenant } from '../record.js';
import { keyOf, memberOf, textOf } from './claims.js';
import type { Identity, IdentityRequest } from './identity.js';

export interface TenantRequest extends IdentityRequest {
  /** The peer is a proxy that the configuration trusts: its headers are not the client's. */
  readonly isFromProxy: boolean;
}

export interface FoundTenant {
  readonly tenant: AuditTenant;
  /** True: the client itself says so, in a header that nothing checks. */
  readonly isClaimed?: boolean | undefined;
}

export type TenantSource = (request: TenantRequest, identity: Identity | undefined) => FoundTenant | undefined;

/** The first answer wins. A source that throws has no answer. */
export function resolveTenant(
  sources: readonly TenantSource[],
  request: TenantRequest,
  identity: Identity | undefined,
): FoundTenant | undefined {
  for (const source of sources) {
    try {
      const found = source(request, identity);
      if (found !== undefined) return found;
    } catch {
      // A getter of the service's or a custom source: it costs the tenant, never the record.
    }
  }
  return undefined;
}

/** What the service put on the request: `tenant` as a text or an object, or `tenant_id` and `tenant_slug`, there or on `state`. */
export function frameworkTenant({ message, framework }: TenantRequest): FoundTenant | undefined {
  for (const holder of [message, framework, memberOf(message, 'state')]) {
    const tenant = tenantOf(memberOf(holder, 'tenant')) ?? ownMembers(holder);
    if (tenant !== undefined) return { tenant };
  }
  return undefined;
}

/** As the token says; the record's `actor.verified` tells what it is worth. */
export function tokenTenant(_request: TenantRequest, identity: Identity | undefined): FoundTenant | undefined {
  const { id, slug } = identity?.tenant ?? {};
  return id === undefined && slug === undefined ? undefined : { tenant: { id, slug } };
}

/** Set by the caller; merely claimed unless a trusted proxy sent the request. */
export function createHeaderTenant(name: string): TenantSource {
  return ({ headers, isFromProxy }) => {
    const id = textOf(headers[name]);
    return id === undefined ? undefined : { tenant: { id }, isClaimed: !isFromProxy };
  };
}

/** `{tenant}.example.com`: what stands there in the host name. Set by the caller, but the service is reached by it. */
export function createHostTenant(pattern: string): TenantSource {
  const find = compilePattern(pattern.toLowerCase(), LABEL);
  return ({ headers }) => {
    const host = textOf(headers['host']) ?? textOf(headers[':authority']);
    return found(host && find(host.toLowerCase().replace(/:\d+$/, '')));
  };
}

/** `/t/{tenant}`: what stands there in the path, whatever follows. */
export function createPathTenant(pattern: string): TenantSource {
  const find = compilePattern(pattern, SEGMENT, '(?:/.*)?');
  return ({ url }) => found(find((url ?? '').split('?', 1)[0] ?? ''));
}

/** What the service's own function or object says. */
export function tenantOf(value: unknown): AuditTenant | undefined {
  const id = keyOf(value);
  if (id !== undefined) return { id };
  const tenant = { id: keyOf(memberOf(value, 'id')), slug: textOf(memberOf(value, 'slug')) };
  return tenant.id === undefined && tenant.slug === undefined ? undefined : tenant;
}

function ownMembers(holder: unknown): AuditTenant | undefined {
  const id = keyOf(memberOf(holder, 'tenant_id')) ?? keyOf(memberOf(holder, 'tenantId'));
  const slug = textOf(memberOf(holder, 'tenant_slug')) ?? textOf(memberOf(holder, 'tenantSlug'));
  return id === undefined && slug === undefined ? undefined : { id, slug };
}

function found(id: string | undefined): FoundTenant | undefined {
  return id === undefined || id === '' ? undefined : { tenant: { id } };
}

// Bounded, so that several in one label or segment cost a client's longest name no time: a label has at most 63 characters
// (RFC 1035 §2.3.4), an id in the record 256 bytes.
const LABEL = '[^.]{1,63}';
const SEGMENT = '[^/]{1,256}';

/** `*` stands for one part, `{tenant}` for the one that counts. */
function compilePattern(pattern: string, part: string, rest = ''): (text: string) => string | undefined {
  const source = pattern
    .split(/(\{tenant\}|\*)/)
    .map((piece) => (piece === '{tenant}' ? `(${part})` : piece === '*' ? part : piece.replace(/[\\^$.+?()[\]{}|]/g, '\\$&')))
    .join('');
  const expression = new RegExp(`^${source}${rest}$`);
  return (text) => {
    const id = expression.exec(text)?.[1];
    return id === undefined ? undefined : decoded(id);
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
