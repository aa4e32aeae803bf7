/** The hash chain: a record and its link become one journal line, and a line can be checked offline. */

import * as crypto from 'node:crypto';
import { canonicalize, isOrdered } from '../canonical.js';
import type { AuditActor, AuditIntegrity, AuditRecord, JournalledRecord } from '../record.js';
import { isSealed, openLine } from './keyring.js';

/** What ties a record to the one before it. */
export type ChainLink = Omit<AuditIntegrity, 'hash'>;

/** `prevHash` of a stream's first record: SHA-256 of the empty string. */
export const GENESIS_HASH = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/**
 * The line of a record, without its line feed: the RFC 8785 form of the whole record. `hash` is SHA-256 over the same
 * text without the member `integrity.hash`.
 */
export function encodeLine(record: AuditRecord, link: ChainLink): { readonly line: string; readonly hash: string } {
  const { head, tail } = splitLine(record, link);
  const hash = sha256(head + tail);
  return { line: head + hashMember(hash) + tail, hash };
}

/** The hashed text, cut where `hashMember` goes. */
export function splitLine(record: AuditRecord, link: ChainLink): { readonly head: string; readonly tail: string } {
  const { action, changes, durationMs, id, metadata } = record;
  // A literal in key order goes through JSON.stringify as it is; only what the service named itself needs sorting.
  const first = { action, actor: actorOf(record), changes, client: clientOf(record), durationMs, error: errorOf(record), id };
  const text = changes === undefined ? JSON.stringify(first) : canonicalize(first);
  const head = `${text.slice(0, -1)},"integrity":{"epoch":${link.epoch},`;
  let tail = `"prevHash":"${link.prevHash}","seq":${link.seq},"stream":${JSON.stringify(link.stream)}},"kind":${JSON.stringify(record.kind)}`;
  if (metadata !== undefined) tail += `,"metadata":${canonicalize(metadata)}`;
  return { head, tail: `${tail}${restOf(record)}}` };
}

/** The members behind `metadata`. */
function restOf(record: AuditRecord): string {
  const { observedTime, outcome, phase, refersTo, request, schemaVersion, time } = record;
  const rest = {
    observedTime,
    outcome,
    phase,
    refersTo,
    request: requestOf(record),
    response: responseOf(record),
    schemaVersion,
    service: serviceOf(record),
    target: record.target && { id: record.target.id, type: record.target.type },
    tenant: record.tenant && { id: record.tenant.id, slug: record.tenant.slug },
    time,
    trace: record.trace && { spanId: record.trace.spanId, traceId: record.trace.traceId },
  };
  const text = request?.headers === undefined || isOrdered(request.headers) ? JSON.stringify(rest) : canonicalize(rest);
  return `,${text.slice(1, -1)}`;
}

/** The member that turns the hashed text into the line; always `HASH_MEMBER_BYTES` long. */
export function hashMember(hash: string): string {
  return `"hash":"${hash}",`;
}

/** `"hash":"` + 64 hex digits + `",` */
export const HASH_MEMBER_BYTES = 74;

/** `no-key`: encrypted with a key that this process does not have. `not-openable`: encrypted, and altered since. */
export type LineFault = 'not-json' | 'not-a-record' | 'wrong-hash' | 'no-key' | 'not-openable';

export type VerifiedLine = { readonly record: JournalledRecord } | { readonly fault: LineFault };

/** Parses a line, which may be sealed, and checks it against its own hash. Whether it follows its predecessor is `followsLink`. */
export function verifyLine(text: string): VerifiedLine {
  const opened = isSealed(text) ? openLine(text) : { line: text };
  return 'line' in opened ? verifyPlain(opened.line) : opened;
}

function verifyPlain(line: string): VerifiedLine {
  const record = parse(line);
  if (record === undefined) return { fault: 'not-json' };
  if (!isJournalled(record)) return { fault: 'not-a-record' };
  const { hash, ...link } = record.integrity;
  // Cutting the member out of the text takes 0.2 µs, sorting again 12. A cut in the wrong place cannot match.
  const quick = line.replace(
    `,"integrity":{"epoch":${link.epoch},${hashMember(hash)}"prevHash":`,
    `,"integrity":{"epoch":${link.epoch},"prevHash":`,
  );
  if (quick.length < line.length && sha256(quick) === hash) return { record };
  return sha256(canonicalize({ ...record, integrity: link })) === hash ? { record } : { fault: 'wrong-hash' };
}

/** Whether a record that was rebuilt from a sink is what was hashed. */
export function isIntact(record: JournalledRecord): boolean {
  const { hash, ...link } = record.integrity;
  // Not by the literal order of `splitLine`, which leaves out members that it does not know: what was added would go unnoticed.
  return sha256(canonicalize({ ...record, integrity: link })) === hash;
}

/** Whether a record is the one that comes right after `previous` (undefined: it must be the first of its stream). */
export function followsLink(record: JournalledRecord, previous: AuditIntegrity | undefined): boolean {
  const { epoch, seq, prevHash, stream } = record.integrity;
  if (previous === undefined) return seq === 1 && prevHash === GENESIS_HASH;
  return stream === previous.stream && epoch === previous.epoch && seq === previous.seq + 1 && prevHash === previous.hash;
}

export function sha256(data: string | Uint8Array): string {
  // One-shot: 2.6 to 3.8 µs on 2 KB, a little less than createHash.
  return crypto.hash('sha256', data, 'hex');
}

function actorOf({ actor }: AuditRecord): object {
  const { clientApp, email, groups, id, name, roles, scopes, source, tenantId, type, verified } = actor;
  // A member that is not listed here would never be stored.
  return { clientApp, email, groups, id, name, roles, scopes, source, tenantId, type, verified } satisfies Record<
    keyof AuditActor,
    unknown
  >;
}

function clientOf({ client }: AuditRecord): object | undefined {
  if (client === undefined) return undefined;
  const { address, forwarded, geo, peer, port, userAgent } = client;
  const place = geo && { asn: geo.asn, city: geo.city, country: geo.country, region: geo.region };
  return { address, forwarded, geo: place, peer, port, userAgent };
}

function errorOf({ error }: AuditRecord): object | undefined {
  return error && { message: error.message, type: error.type };
}

function serviceOf({ service }: AuditRecord): object {
  return { instanceId: service.instanceId, name: service.name, version: service.version };
}

function requestOf({ request }: AuditRecord): object | undefined {
  if (request === undefined) return undefined;
  const { body, bodyFormat, bodyHash, bodyOmitted, bodySize, bodyTruncated, contentType, headers, id, method, path, query, route } =
    request;
  return { body, bodyFormat, bodyHash, bodyOmitted, bodySize, bodyTruncated, contentType, headers, id, method, path, query, route };
}

function responseOf({ response }: AuditRecord): object | undefined {
  if (response === undefined) return undefined;
  const { body, bodyFormat, bodyHash, bodyOmitted, bodySize, bodyTruncated, contentType, status } = response;
  return { body, bodyFormat, bodyHash, bodyOmitted, bodySize, bodyTruncated, contentType, status };
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isJournalled(value: unknown): value is JournalledRecord {
  if (value === null || typeof value !== 'object') return false;
  const { id, integrity } = value as Partial<JournalledRecord>;
  return (
    typeof id === 'string' &&
    typeof integrity?.seq === 'number' &&
    typeof integrity.hash === 'string' &&
    typeof integrity.stream === 'string'
  );
}
