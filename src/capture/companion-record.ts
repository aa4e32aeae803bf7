/** The records beside a request's own: the one that it began, and the one that it ended otherwise than recorded. */

import { v7 as uuidv7 } from 'uuid';
import { isoTime } from '../clock.js';
import { type AuditRecord, SCHEMA_VERSION } from '../record.js';
import { boundRecord } from '../record-bounds.js';
import { actionOf } from './action.js';
import { ruleInForce } from './claimed-rule.js';
import type { Exchange } from './exchange.js';
import { type Ended, errorOf, outcomeOf, type RecordSettings, requestFactsOf, whoOf } from './exchange-record.js';

/** Says before the handler runs what is asked for and by whom, as far as that is known then; nothing is waited for. */
export function createStartRecord(exchange: Exchange, settings: RecordSettings): AuditRecord {
  const { actor, tenant, unverified } = whoOf(exchange, settings);
  const claimed = { actor, tenant, isTenantClaimed: unverified?.['tenant'] !== undefined };
  const { rule, findTarget } = ruleInForce(exchange.wanted, { route: undefined, status: undefined }, claimed);
  const { request, client, trace } = requestFactsOf(exchange, rule, settings);
  const derived = actionOf(request.method, request.path, undefined);
  return boundRecord({
    id: uuidv7(),
    schemaVersion: SCHEMA_VERSION,
    kind: 'http',
    phase: 'start',
    refersTo: exchange.id,
    time: isoTime(exchange.startMs),
    observedTime: isoTime(Date.now()),
    action: rule.action ?? derived.action,
    outcome: 'unknown',
    actor,
    tenant,
    target: findTarget?.(request.path) ?? derived.target,
    request,
    client,
    trace,
    service: settings.service,
  });
}

/** Undefined: the response arrived, as its record says. */
export function createAmendment(exchange: Exchange, ended: Ended, settings: RecordSettings): AuditRecord | undefined {
  const { record, response } = exchange;
  if (record === undefined) return undefined;
  const outcome = outcomeOf(exchange, response.statusCode, ended);
  if (outcome !== 'aborted' && outcome !== 'unknown') return undefined;
  const { action, actor, tenant, target, request, service, time, trace } = record;
  return {
    id: uuidv7(),
    schemaVersion: SCHEMA_VERSION,
    kind: 'amendment',
    refersTo: record.id,
    time,
    observedTime: isoTime(Date.now()),
    action,
    outcome,
    actor,
    tenant,
    target,
    request: request && { id: request.id, method: request.method, path: request.path, route: request.route },
    response: { status: record.response?.status },
    durationMs: exchange.elapsedMs(),
    trace,
    service,
    error: errorOf(exchange, outcome, ended, settings.redactor),
  };
}
