/** The bounds of a record: after this no value can make a sink refuse it, and what was cut is said in `metadata.truncated`. */

import { boundChanges } from './change-bounds.js';
import type { AuditActor, AuditBody, AuditRecord, JsonObject, JsonValue } from './record.js';

// Bytes of UTF-8, from the design's record: ids, names, e-mails and tenants; then path, query, user agent; then the rest.
const IDENTIFIER_BYTES = 256;
const LONG_BYTES = 2048;
const TEXT_BYTES = 1024;
// 16 KiB of JSON text: with two bodies at their default cap a record still fits one Application Insights item.
const METADATA_BYTES = 16_384;
// Of roles, scopes and groups each: a directory may name 200 groups, and all of them stand in every record.
const LIST_ITEMS = 64;
const PLAIN = /^[ -~]*$/;

/** The same record with every string bounded and printable. Never throws; never changes its argument. */
export function boundRecord(record: AuditRecord): AuditRecord {
  const cut: string[] = [];
  const identifier = bounder(IDENTIFIER_BYTES, cut);
  const long = bounder(LONG_BYTES, cut);
  const text = bounder(TEXT_BYTES, cut);
  const { tenant, target, request, response, client, trace, service, error } = record;
  const bounded: AuditRecord = {
    ...record,
    action: identifier('action', record.action) ?? 'unknown',
    actor: boundActor(record.actor, identifier, cut),
    tenant: tenant && { id: identifier('tenant.id', tenant.id), slug: identifier('tenant.slug', tenant.slug) },
    target: target && { type: identifier('target.type', target.type), id: identifier('target.id', target.id) },
    request: request && {
      ...request,
      ...boundBody('request', request, text),
      id: identifier('request.id', request.id) ?? record.id,
      method: identifier('request.method', request.method),
      path: long('request.path', request.path),
      route: long('request.route', request.route),
      query: long('request.query', request.query),
      headers: request.headers && boundHeaders(request.headers, text),
    },
    response: response && { ...response, ...boundBody('response', response, text) },
    client: client && {
      ...client,
      forwarded: text('client.forwarded', client.forwarded),
      userAgent: long('client.userAgent', client.userAgent),
      geo: client.geo && {
        country: identifier('client.geo.country', client.geo.country),
        region: identifier('client.geo.region', client.geo.region),
        city: identifier('client.geo.city', client.geo.city),
        asn: client.geo.asn,
      },
    },
    trace: trace && { traceId: identifier('trace.traceId', trace.traceId) ?? '', spanId: identifier('trace.spanId', trace.spanId) },
    service: {
      name: identifier('service.name', service.name) ?? 'unknown',
      version: identifier('service.version', service.version),
      instanceId: identifier('service.instanceId', service.instanceId),
    },
    error: error && { type: identifier('error.type', error.type), message: text('error.message', error.message) },
  };
  const changes = record.changes && boundedChanges(record.changes, cut);
  const metadata = boundMetadata(record.metadata, cut);
  return cut.length === 0 ? { ...bounded, changes, metadata } : { ...bounded, changes, metadata: { ...metadata, truncated: cut } };
}

type Bound = (member: string, value: string | undefined) => string | undefined;

function bounder(maxBytes: number, cut: string[]): Bound {
  return (member, value) => {
    // Most values are short ASCII: nothing to cut, nothing to replace.
    if (value === undefined || (value.length <= maxBytes && PLAIN.test(value))) return value;
    // One unit more than can be kept, so that a giant costs no more than a long one.
    const bounded = cutText(printable(value.slice(0, maxBytes + 1)), maxBytes);
    if (bounded.length < value.length) cut.push(member);
    return bounded;
  };
}

function boundActor(actor: AuditActor, identifier: Bound, cut: string[]): AuditActor {
  const list = (member: string, items: readonly string[] | undefined): readonly string[] | undefined => {
    if (items !== undefined && items.length > LIST_ITEMS) cut.push(member);
    return items?.slice(0, LIST_ITEMS).map((item, index) => identifier(`${member}.${index}`, item) ?? '');
  };
  return {
    id: identifier('actor.id', actor.id) || 'unknown',
    type: identifier('actor.type', actor.type) || 'user',
    email: identifier('actor.email', actor.email),
    name: identifier('actor.name', actor.name),
    roles: list('actor.roles', actor.roles),
    scopes: list('actor.scopes', actor.scopes),
    groups: list('actor.groups', actor.groups),
    tenantId: identifier('actor.tenantId', actor.tenantId),
    clientApp: identifier('actor.clientApp', actor.clientApp),
    source: identifier('actor.source', actor.source),
    verified: actor.verified === true,
  };
}

/** Bodies were bounded by the capture cap and redaction; only their type is a client's free text here. */
function boundBody(member: string, body: AuditBody, text: Bound): AuditBody {
  return { contentType: text(`${member}.contentType`, body.contentType), body: body.body?.toWellFormed().replaceAll('\u0000', '\ufffd') };
}

function boundHeaders(headers: Readonly<Record<string, string>>, text: Bound): Readonly<Record<string, string>> {
  const bounded: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) bounded[name] = text(`request.headers.${name}`, value) ?? '';
  return bounded;
}

function boundMetadata(metadata: JsonObject | undefined, cut: string[]): JsonObject | undefined {
  if (metadata === undefined) return undefined;
  const clean = printableJson(metadata) as JsonObject;
  if (JSON.stringify(clean).length * 3 <= METADATA_BYTES || Buffer.byteLength(JSON.stringify(clean)) <= METADATA_BYTES) return clean;
  cut.push('metadata');
  const kept: Record<string, JsonValue> = {};
  let bytes = 2;
  for (const [key, value] of Object.entries(clean)) {
    bytes += Buffer.byteLength(JSON.stringify(key)) + Buffer.byteLength(JSON.stringify(value)) + 2;
    if (bytes > METADATA_BYTES) break;
    kept[key] = value;
  }
  return kept;
}

function boundedChanges(changes: readonly JsonObject[], cut: string[]): readonly JsonObject[] {
  const { changes: kept, isCut } = boundChanges(changes);
  if (isCut) cut.push('changes');
  return kept;
}

function printableJson(value: JsonValue): JsonValue {
  if (typeof value === 'string') return cutText(printable(value), TEXT_BYTES);
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(printableJson);
  const clean: Record<string, JsonValue> = {};
  for (const [key, member] of Object.entries(value)) {
    // defineProperty: a member called `__proto__` must stay a member.
    Object.defineProperty(clean, cutText(printable(key), IDENTIFIER_BYTES), {
      value: printableJson(member),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return clean;
}

const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f]/;
const ALL_UNPRINTABLE = new RegExp(UNPRINTABLE, 'g');

/** The text with control characters and lone surrogates as U+FFFD: neither forged log lines nor refused rows. */
export function printable(text: string): string {
  const clean = UNPRINTABLE.test(text) ? text.replace(ALL_UNPRINTABLE, '\ufffd') : text;
  return clean.isWellFormed() ? clean : clean.toWellFormed();
}

/** At most `maxBytes` bytes of UTF-8, cut between characters. */
export function cutText(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes) return text;
  const bytes = Buffer.from(text.slice(0, maxBytes));
  let end = maxBytes;
  // 10xxxxxx: a continuation byte; step back to the start of the character it belongs to.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}
