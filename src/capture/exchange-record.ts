/** Builds the record of a closed exchange: redacted, bounded, and honest about what nobody can know. */

import { isoTime } from '../clock.js';
import { messageOf } from '../errors.js';
import type { Identities, Who, WhoRequest } from '../identity/identities.js';
import { WAIT } from '../identity/identity.js';
import type { PolicyRule } from '../policy-rule.js';
import {
  type AuditBody,
  type AuditClient,
  type AuditFailure,
  type AuditRecord,
  type AuditService,
  type JsonObject,
  type Outcome,
  SCHEMA_VERSION,
} from '../record.js';
import { boundRecord } from '../record-bounds.js';
import type { Redactor } from '../redaction/redactor.js';
import { actionOf } from './action.js';
import type { BodyTap } from './body.js';
import { ruleInForce } from './claimed-rule.js';
import { redactWho } from './claims.js';
import { forwardedHeader } from './client-address.js';
import { decodePrefix } from './decode.js';
import type { Exchange } from './exchange.js';
import type { GeoLookup } from './geo.js';
import { operationOf } from './operation.js';
import { keepsRequestBody, keepsResponseBody } from './policy.js';
import { KEPT_HEADERS, traceOf } from './request-context.js';
import { frameworkRequestOf, routeOf } from './route.js';
import type { ClientLocator } from './trusted-proxy.js';

export interface RecordSettings {
  readonly service: AuditService;
  readonly redactor: Redactor;
  readonly identities: Identities;
  readonly clients: ClientLocator;
  readonly geo: Pick<GeoLookup, 'find'>;
  readonly logAnonymous: boolean;
  /** Bytes kept of a body where the rule says nothing else. */
  readonly maxBodyBytes: number;
  /** Lower case: kept besides the usual ones. */
  readonly correlationHeaders: readonly string[];
  /** A keyed hash of the session's cookie; undefined without a key or a cookie. */
  readonly sessionId: (headers: Exchange['request']['headers']) => string | undefined;
}

/** The record, or why there is none. */
export type Judgement =
  | { readonly record: AuditRecord }
  | { readonly excludedBy: string }
  | { readonly sampledOut: true }
  | { readonly skipped: true }
  /** Who acts is still being verified: judge again then. */
  | { readonly waitFor: Promise<void> };

/** Who acts in this exchange and in which tenant, as far as is known now: the service's own words first. */
export function whoOf(exchange: Exchange, settings: RecordSettings): Who {
  // Told not to wait, it never answers WAIT.
  return askWho(exchange, settings, false) as Who;
}

/**
 * When it is judged: the response has closed, the process ends before it did, or it has ended and waits for its record (`held`),
 * in which case it is taken to arrive.
 */
export type Ended = 'closed' | 'process-exit' | 'held';

export function judge(exchange: Exchange, settings: RecordSettings, ended: Ended, mayWait: boolean): Judgement {
  const { request, response, words } = exchange;
  // Of what began in the trail, the trail says how it ended.
  if (words.skip === true && !exchange.hasStartRecord) return { skipped: true };
  const status = response.headersSent ? response.statusCode : undefined;
  const who = askWho(exchange, settings, mayWait);
  if (who === WAIT) return { waitFor: exchange.credentials.verification?.settled ?? Promise.resolve() };
  const { actor: named, tenant, unverified } = who;
  // A 401 says that the service did not accept who the caller claims to be.
  const actor = status === 401 && named.verified ? { ...named, verified: false } : named;
  const outcome = words.outcome ?? outcomeOf(exchange, status, ended);
  const route = routeOf(request);
  const claimed = { actor, tenant, isTenantClaimed: unverified?.['tenant'] !== undefined };
  const { rule, findTarget } = ruleInForce(exchange.wanted, { route, status }, claimed);
  if (!exchange.hasStartRecord) {
    if (rule.level === 'none') return { excludedBy: rule.name };
    if (!settings.logAnonymous && outcome === 'success' && actor.type === 'anonymous') return { excludedBy: 'anonymous' };
    if (outcome === 'success' && isSampledOut(rule, exchange.id)) return { sampledOut: true };
  }
  const { request: facts, client, trace } = requestFactsOf(exchange, rule, settings);
  const { method, path, query } = facts;
  const requestBody = requestBodyOf(exchange, rule, settings);
  const derived = actionOf(method, path, route);
  const operation = operationOf({ path, route, query, body: wholeJson(requestBody) });
  return {
    record: boundRecord({
      id: exchange.id,
      schemaVersion: SCHEMA_VERSION,
      kind: 'http',
      time: isoTime(exchange.startMs),
      observedTime: isoTime(Date.now()),
      action: words.action ?? rule.action ?? operation ?? derived.action,
      outcome,
      actor,
      tenant,
      target: words.target ?? findTarget?.(path) ?? derived.target,
      request: { ...facts, route, ...requestBody },
      response: {
        status,
        contentType: redactedType(exchange.responseContentType, settings.redactor),
        ...responseBodyOf(exchange, status, rule, settings),
      },
      durationMs: exchange.elapsedMs(),
      client,
      trace,
      service: settings.service,
      error: errorOf(exchange, outcome, ended, settings.redactor),
      changes: exchange.changes.length === 0 ? undefined : (settings.redactor.value(exchange.changes) as readonly JsonObject[]),
      metadata: metadataOf(exchange, unverified, settings),
    }),
  };
}

/** What is known of a request from its first moment. */
export function requestFactsOf(exchange: Exchange, rule: PolicyRule, settings: RecordSettings) {
  const { request } = exchange;
  const { rawPath, rawQuery } = splitUrl(exchange.rawUrl);
  const headers = keptHeaders(exchange, rule, settings);
  return {
    request: {
      id: exchange.requestId,
      method: request.method ?? 'GET',
      path: settings.redactor.path(rawPath),
      query: rawQuery === '' ? undefined : settings.redactor.query(rawQuery),
      headers,
      contentType: headers['content-type'],
    },
    client: {
      ...clientOf(exchange, settings),
      forwarded: redacted(forwardedHeader(exchange.credentials.headers), settings.redactor),
      userAgent: redacted(request.headers['user-agent'], settings.redactor),
    },
    trace: exchange.span?.spanContext() ?? traceOf(request.headers['traceparent']),
  };
}

function askWho(exchange: Exchange, settings: RecordSettings, mayWait: boolean): Who | typeof WAIT {
  const who = settings.identities.who(whoRequestOf(exchange, settings), mayWait);
  return who === WAIT ? who : redactWho(who, exchange.words, settings.redactor);
}

function whoRequestOf(exchange: Exchange, { clients }: RecordSettings): WhoRequest {
  const { credentials, peer, request, words } = exchange;
  const { headers, url, bearer, verification, certificate } = credentials;
  const framework = frameworkRequestOf(request);
  return { headers, url, bearer, verification, certificate, message: request, framework, isFromProxy: clients.trusts(peer), words };
}

function clientOf({ credentials, peer }: Exchange, { clients, geo }: RecordSettings): AuditClient {
  const client = clients.locate(peer, credentials.headers);
  return { ...client, geo: geo.find(client.address) };
}

export function outcomeOf(exchange: Exchange, status: number | undefined, ended: Ended): Outcome {
  if ((ended === 'held' || isFinished(exchange.response)) && status !== undefined) return status < 400 ? 'success' : 'failure';
  return ended === 'closed' ? 'aborted' : 'unknown';
}

/** HTTP/2 says `finish` for a stream that was reset as well, and has no `writableFinished`. */
function isFinished(response: Exchange['response']): boolean {
  if (!('stream' in response)) return response.writableFinished;
  const stream = response.stream as { readonly rstCode?: number; readonly aborted?: boolean } | undefined;
  return response.writableEnded && stream?.rstCode === 0 && stream.aborted !== true;
}

export function errorOf(exchange: Exchange, outcome: Outcome, ended: Ended, redactor: Redactor): AuditFailure | undefined {
  if (exchange.isRefused) return { type: 'audit_unavailable', message: 'the start record was not durable, so the handler was not called' };
  const cause = exchange.thrown ?? exchange.response.errored ?? undefined;
  if (cause !== undefined) return { type: cause instanceof Error ? cause.name : typeof cause, message: redactor.text(messageOf(cause)) };
  if (ended === 'process-exit') return { type: 'process_exit', message: 'the process ended before the response did' };
  if (outcome === 'aborted') return { type: 'connection_closed', message: 'the connection closed before the response was finished' };
  return undefined;
}

/** From the record id's own random bits: a client that chooses its trace id must not choose whether it is recorded. */
function isSampledOut(rule: PolicyRule, id: string): boolean {
  if (rule.sample === undefined || rule.sample >= 1) return false;
  return Number.parseInt(id.slice(-12), 16) / 2 ** 48 >= rule.sample;
}

function splitUrl(url: string): { readonly rawPath: string; readonly rawQuery: string } {
  const mark = url.indexOf('?');
  return mark === -1 ? { rawPath: url, rawQuery: '' } : { rawPath: url.slice(0, mark), rawQuery: url.slice(mark + 1) };
}

function keptHeaders({ request }: Exchange, rule: PolicyRule, settings: RecordSettings): Readonly<Record<string, string>> {
  const kept: Record<string, string> = {};
  const more = [...settings.correlationHeaders, ...(rule.headers ?? [])];
  for (const name of more.length === 0 ? KEPT_HEADERS : [...KEPT_HEADERS, ...more].sort()) {
    const value = request.headers[name];
    if (value !== undefined) kept[name] = settings.redactor.header(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return kept;
}

/** What the trail itself adds stands beside what the service added, which cannot replace it. */
function metadataOf(
  { hold, request, words }: Exchange,
  unverified: JsonObject | undefined,
  settings: RecordSettings,
): JsonObject | undefined {
  const said = words.metadata && (settings.redactor.value(words.metadata) as JsonObject);
  const sessionId = settings.sessionId(request.headers);
  const confirmation = hold?.isPartial === true ? 'partial' : undefined;
  if (sessionId === undefined && unverified === undefined && confirmation === undefined) return said;
  return {
    ...said,
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(unverified === undefined ? {} : { unverified }),
    ...(confirmation === undefined ? {} : { confirmation }),
  };
}

/** A service may echo the client's type, parameters and all. */
function redactedType(type: string | undefined, redactor: Redactor): string | undefined {
  return type === undefined ? undefined : redactor.header('content-type', type);
}

function redacted(text: string | undefined, redactor: Redactor): string | undefined {
  return text === undefined ? undefined : redactor.text(text);
}

/** A body of which the end never came is a cut one, however little of it there is. */
function requestBodyOf({ request, requestBody, wanted }: Exchange, rule: PolicyRule, settings: RecordSettings): AuditBody {
  const { 'content-type': contentType, 'content-encoding': contentEncoding } = request.headers;
  const kept = keepsRequestBody(rule.level) && wanted.requestBody;
  const maxBytes = rule.maxBodyBytes ?? settings.maxBodyBytes;
  const isWhole = request.complete && !request.aborted;
  return bodyOf({ tap: requestBody, kept, maxBytes, contentType, contentEncoding, isWhole }, settings.redactor);
}

function wholeJson({ body, bodyFormat, bodyTruncated }: AuditBody): string | undefined {
  return bodyFormat === 'json' && bodyTruncated !== true ? body : undefined;
}

/** What HTTP says is never sent is not in the record, whatever the service wrote. */
function responseBodyOf(exchange: Exchange, status: number | undefined, rule: PolicyRule, settings: RecordSettings): AuditBody {
  if (exchange.request.method === 'HEAD' || status === 204 || status === 304) return { bodySize: 0 };
  const { responseBody: tap, responseContentType: contentType, responseContentEncoding: contentEncoding, response, wanted } = exchange;
  const kept = keepsResponseBody(rule.level) && wanted.responseBody;
  const maxBytes = rule.maxBodyBytes ?? settings.maxBodyBytes;
  return bodyOf({ tap, kept, maxBytes, contentType, contentEncoding, isWhole: response.writableEnded }, settings.redactor);
}

interface TappedBody {
  readonly tap: BodyTap;
  /** The policy keeps it. */
  readonly kept: boolean;
  readonly maxBytes: number;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  /** Its end came. */
  readonly isWhole: boolean;
}

function bodyOf({ tap, kept, maxBytes, contentType, contentEncoding, isWhole }: TappedBody, redactor: Redactor): AuditBody {
  const bodySize = tap.size;
  if (bodySize === 0) return { bodySize };
  if (!kept) return { bodySize, bodyOmitted: 'level' };
  if (contentType?.startsWith('text/event-stream') === true) return { bodySize, bodyOmitted: 'stream' };
  const decoded = decodePrefix(tap.bytes(), contentEncoding ?? '', tap.maxBytes);
  if ('omitted' in decoded) return { bodySize, bodyOmitted: decoded.omitted };
  // Captured for the most that any rule might have kept.
  const bytes = decoded.bytes.subarray(0, maxBytes);
  const isCut = decoded.isCut || bytes.length < decoded.bytes.length;
  const body = redactor.body({ bytes, contentType, truncated: tap.truncated || !isWhole || isCut });
  if ('omitted' in body) return { bodySize, bodyOmitted: body.omitted, bodyHash: body.hash ?? (isWhole ? tap.digest() : undefined) };
  return { body: body.text, bodyFormat: body.format, bodySize, bodyTruncated: body.truncated };
}
