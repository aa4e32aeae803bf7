/** What a report counts, record by record, in bounded memory: a trail of years has more actors than fit. */

import { templateOf } from '../capture/path-steps.js';
import type { JournalledRecord, JsonObject } from '../record.js';
import { createCounts, type Ranked } from './counts.js';
import { createTimeline, type Timeline } from './timeline.js';

export interface Tally {
  readonly records: number;
  readonly first: string | undefined;
  readonly last: string | undefined;
  readonly kinds: Readonly<Record<string, number>>;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly statuses: Readonly<Record<string, number>>;
  readonly services: readonly Ranked[];
  readonly tenants: readonly Ranked[];
  readonly countries: readonly Ranked[];
  readonly actors: readonly ActorRow[];
  readonly actorCount: number;
  /** Requests of an actor that nobody has verified, and of nobody. */
  readonly unverified: number;
  readonly anonymous: number;
  readonly actions: readonly Ranked[];
  readonly timeline: Timeline;
  /** By actor and address: attempts to log in, and what was refused for want of a valid identity. */
  readonly failedLogins: readonly Ranked[];
  readonly failedLoginCount: number;
  /** Refused for want of permission. */
  readonly forbidden: readonly Ranked[];
  readonly privileged: readonly Ranked[];
  /** Actor's tenant is not the target's: `globex → acme`. */
  readonly crossTenant: readonly Ranked[];
  readonly changes: readonly Ranked[];
  readonly routes: readonly RouteRow[];
  readonly losses: readonly LossRow[];
  readonly lifecycle: Readonly<Record<string, number>>;
  readonly silences: readonly Silence[];
  readonly readings: number;
}

export interface ActorRow extends Ranked {
  readonly type: string;
  readonly failures: number;
}

export interface RouteRow {
  readonly method: string;
  readonly route: string;
  readonly count: number;
  readonly withRequestBody: number;
  readonly withResponseBody: number;
}

export interface LossRow {
  readonly time: string;
  readonly service: string;
  readonly detail: string;
}

/** A process that serves says so every minute: more than three of them missing is a silence. */
export interface Silence {
  readonly stream: string;
  readonly service: string;
  readonly from: string;
  readonly to: string;
  readonly minutes: number;
}

export interface TallyOptions {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  /** Rows of each ranking. Default 15. */
  readonly top?: number;
  /** Default 60,000, as `AUDIT_HEARTBEAT_MS`. */
  readonly heartbeatMs?: number;
}

const LOGIN = /(?:^|\.)(?:log_?in|sign_?in|authenticate|token|session)\b/i;
const PRIVILEGED = /admin|owner|root|super|operator|privileged/i;
const MUTATING: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
const MAX_ROUTES = 2000;
const MAX_LOSSES = 200;

export function createTally({ since, until, top = 15, heartbeatMs = 60_000 }: TallyOptions = {}) {
  const kinds = createCounts();
  const outcomes = createCounts();
  const statuses = createCounts();
  const services = createCounts();
  const tenants = createCounts();
  const countries = createCounts();
  const actors = createCounts();
  const failuresOf = createCounts();
  const actions = createCounts();
  const failedLogins = createCounts();
  const forbidden = createCounts();
  const privileged = createCounts();
  const crossTenant = createCounts();
  const changes = createCounts();
  const lifecycle = createCounts();
  const typeOf = new Map<string, string>();
  const routes = new Map<string, RouteRow>();
  const losses: LossRow[] = [];
  const beats = new Map<string, { service: string; last: string }>();
  const silences: Silence[] = [];
  const timeline = createTimeline();
  let records = 0;
  let unverified = 0;
  let anonymous = 0;
  let readings = 0;
  let first: string | undefined;
  let last: string | undefined;

  const addHttp = (record: JournalledRecord): void => {
    const { request, response, actor, tenant, client, outcome, time } = record;
    timeline.add(time, outcome);
    outcomes.add(outcome);
    actors.add(actor.id);
    if (!typeOf.has(actor.id) && typeOf.size < 10_000) typeOf.set(actor.id, actor.type);
    if (outcome === 'failure') failuresOf.add(actor.id);
    if (actor.id === 'anonymous') anonymous += 1;
    else if (!actor.verified) unverified += 1;
    if (response?.status !== undefined) statuses.add(`${Math.floor(response.status / 100)}xx`);
    if (tenant?.id !== undefined) tenants.add(tenant.id);
    if (client?.geo?.country !== undefined) countries.add(client.geo.country);
    actions.add(record.action);
    const from = client?.address ?? 'unknown address';
    const isRefused = outcome === 'failure' && (response?.status === 401 || LOGIN.test(record.action));
    if (isRefused) failedLogins.add(`${actor.id} from ${from}`);
    if (response?.status === 403) forbidden.add(`${actor.id}: ${record.action}`);
    if (PRIVILEGED.test(actor.type) || actor.roles?.some((role) => PRIVILEGED.test(role)) === true)
      privileged.add(`${actor.id}: ${record.action}`);
    if (actor.tenantId !== undefined && tenant?.id !== undefined && actor.tenantId !== tenant.id)
      crossTenant.add(`${actor.tenantId} → ${tenant.id}`);
    if (outcome === 'success' && (request?.method === undefined ? record.kind === 'change' : MUTATING.has(request.method)))
      changes.add(record.action);
    if (request?.method === undefined || request.path === undefined) return;
    const key = `${request.method} ${request.route ?? templateOf(request.path)}`;
    const row = routes.get(key);
    if (row === undefined && routes.size >= MAX_ROUTES) return;
    routes.set(key, {
      method: request.method,
      route: request.route ?? templateOf(request.path),
      count: (row?.count ?? 0) + 1,
      withRequestBody: (row?.withRequestBody ?? 0) + (request.body === undefined ? 0 : 1),
      withResponseBody: (row?.withResponseBody ?? 0) + (response?.body === undefined ? 0 : 1),
    });
  };

  const addLifecycle = ({ action, service, integrity, time }: JournalledRecord): void => {
    lifecycle.add(action);
    const beat = beats.get(integrity.stream);
    if (beat !== undefined && action !== 'audit.start') {
      const gapMs = Date.parse(time) - Date.parse(beat.last);
      if (gapMs > 3 * heartbeatMs + 5000 && silences.length < MAX_LOSSES)
        silences.push({ stream: integrity.stream, service: service.name, from: beat.last, to: time, minutes: Math.round(gapMs / 60_000) });
    }
    beats.set(integrity.stream, { service: service.name, last: time });
  };

  return {
    add(record: JournalledRecord): void {
      const { time } = record;
      if ((since !== undefined && time < since) || (until !== undefined && time >= until)) return;
      records += 1;
      if (first === undefined || time < first) first = time;
      if (last === undefined || time > last) last = time;
      kinds.add(record.kind);
      services.add(record.service.name);
      if (record.kind === 'lifecycle') addLifecycle(record);
      else if (record.kind === 'loss') {
        if (losses.length < MAX_LOSSES) losses.push({ time, service: record.service.name, detail: lossText(record.metadata) });
      } else if (record.phase === undefined && record.kind !== 'amendment') addHttp(record);
      if (record.action === 'audit.read') readings += 1;
    },
    finish: (): Tally => ({
      records,
      first,
      last,
      kinds: kinds.all(),
      outcomes: outcomes.all(),
      statuses: statuses.all(),
      services: services.top(top),
      tenants: tenants.top(top),
      countries: countries.top(top),
      actors: actors.top(top).map((row) => ({ ...row, type: typeOf.get(row.name) ?? 'unknown', failures: failuresOf.of(row.name) })),
      actorCount: actors.size(),
      unverified,
      anonymous,
      actions: actions.top(top),
      timeline: timeline.finish(),
      failedLogins: failedLogins.top(top),
      failedLoginCount: failedLogins.total(),
      forbidden: forbidden.top(top),
      privileged: privileged.top(top),
      crossTenant: crossTenant.top(top),
      changes: changes.top(top),
      routes: [...routes.values()].sort((a, b) => b.count - a.count),
      losses,
      lifecycle: lifecycle.all(),
      silences,
      readings,
    }),
  };
}

function lossText(metadata: JsonObject | undefined): string {
  return JSON.stringify(metadata ?? {});
}
