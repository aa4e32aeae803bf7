/** A trail of which each query of the pack finds a known part: for every question records that answer it, and records that nearly do. */

import { createHash } from 'node:crypto';
import { eventsOf } from '../../exporters/azure/envelope/log-record.js';
import type { AuditRecord, JournalledRecord, JsonObject } from '../../src/record.js';
import type { KqlRow } from './kql-run.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const BODIES = '0193a1b2-0000-7000-8000-000000000042';

export interface PlantedTrail {
  readonly records: readonly JournalledRecord[];
  /** Rows of `customEvents`: the records' as the exporter makes them, some of them twice, and what others have sent. */
  readonly customEvents: readonly KqlRow[];
}

type Members = { readonly [Member in keyof AuditRecord]?: Partial<AuditRecord[Member]> | undefined } & Record<string, unknown>;

type Plant = (agoMs: number, members: Members, place?: Partial<AuditRecord['integrity']>) => JournalledRecord;

/** `now`: half past an hour, in milliseconds. */
export function plantTrail(now: number): PlantedTrail {
  const records: JournalledRecord[] = [];
  const tips = new Map<string, number>();
  const plant: Plant = (agoMs, members, place = {}) => {
    const time = new Date(now - agoMs).toISOString();
    const id = String(members['id'] ?? `0193a1b2-0000-7000-8000-${String(records.length + 1000).padStart(12, '0')}`);
    const stream = place.stream ?? 'main';
    const epoch = place.epoch ?? 1;
    const seq = place.seq ?? (tips.get(`${stream}/${epoch}`) ?? 0) + 1;
    tips.set(`${stream}/${epoch}`, seq);
    const integrity = {
      stream,
      epoch,
      seq,
      prevHash: place.prevHash ?? hash(stream, epoch, seq - 1),
      hash: place.hash ?? hash(stream, epoch, seq),
    };
    const kind = members['kind'] ?? 'http';
    const request = { id: `r-${records.length}`, method: 'POST', path: '/api/orders', ...members.request };
    const record = {
      schemaVersion: 1,
      outcome: 'success',
      action: 'order.created',
      service: { name: 'orders' },
      ...members,
      id,
      kind,
      time,
      observedTime: time,
      actor: { id: 'bob', type: 'user', verified: true, ...members.actor },
      ...(kind === 'http' || members.request !== undefined ? { request } : {}),
      integrity,
    };
    const planted = JSON.parse(JSON.stringify(record)) as JournalledRecord;
    records.push(planted);
    return planted;
  };
  for (const topic of [people, logins, privileges, tenants, habits, takeouts, changes, latencies, streams, life]) topic(plant);
  const bodies = plant(HOUR, {
    id: BODIES,
    request: { body: JSON.stringify({ text: 'é"'.repeat(40_000) }), bodyFormat: 'json' },
    response: { status: 200, body: 'x'.repeat(70_000), bodyFormat: 'text' },
  });
  plant(HOUR, { request: { body: 'y'.repeat(60_000), bodyFormat: 'text' }, response: { status: 200, body: '{}', bodyFormat: 'json' } });
  return { records, customEvents: [...arrivalsOf(records, bodies), ...strangers(now)] };
}

function people(plant: Plant): void {
  const alice = { id: 'alice', email: 'alice@example.com' };
  const traced = { traceId: '2588ef2115f07741a5bc572b5074f9c0' };
  plant(2 * HOUR, {
    actor: alice,
    target: { type: 'order', id: '42' },
    tenant: { id: 't-1', slug: 'acme' },
    response: { status: 201 },
    trace: traced,
  });
  plant(20 * DAY, { actor: { ...alice, email: 'ALICE@example.com' }, outcome: 'failure', response: { status: 404 } });
  plant(HOUR, { kind: 'event', actor: { id: 'alice@example.com' }, action: 'report.read' });
  plant(HOUR, { actor: alice, phase: 'start', target: { type: 'order', id: '42' } });
  plant(HOUR, { kind: 'amendment', actor: alice });
  plant(HOUR, { kind: 'change', action: 'orders.updated', actor: alice });
  plant(40 * DAY, { actor: alice, target: { type: 'order', id: '42' } });
  plant(HOUR, { actor: { id: 'alice2', email: 'alice@example.co' } });
  for (const target of [{ type: 'order', id: '42' }, { type: 'order', id: '43' }, { type: 'invoice', id: '42' }, { type: 'order' }])
    plant(3 * HOUR, { target });
  const asked = plant(5 * DAY, { request: { id: 'req-42' }, actor: alice });
  plant(5 * DAY, { request: { id: 'req-42' }, phase: 'start', refersTo: asked.id });
  plant(5 * DAY, { kind: 'event', request: { id: 'req-42' }, refersTo: asked.id, action: 'mail.sent', metadata: { to: 3 } });
  plant(5 * DAY, {
    kind: 'change',
    refersTo: asked.id,
    action: 'orders.updated',
    changes: [{ table: 'orders', id: '7', after: { total: 3 } }],
  });
  plant(5 * DAY, { kind: 'event', refersTo: '0193a1b2-0000-7000-8000-000000009999' });
  plant(40 * DAY, { request: { id: 'req-42' } });
}

function logins(plant: Plant): void {
  const failed = (actor: string, address: string, over: Members = {}): void => {
    plant(HOUR, { action: 'user.login', outcome: 'failure', actor: { id: actor, verified: false }, client: { address }, ...over });
  };
  // One attempt each: the request, and what the service says of it.
  for (let n = 0; n < 6; n += 1) {
    const request = { id: `login-${n}` };
    failed('anonymous', '203.0.113.1', {
      action: 'auth.login',
      actor: { id: 'anonymous', type: 'anonymous', verified: false },
      request,
      response: { status: 401 },
    });
    failed('mallory', '203.0.113.1', { kind: 'event', request, client: undefined });
  }
  for (let n = 0; n < 4; n += 1) failed('clumsy', '203.0.113.2');
  for (let n = 0; n < 6; n += 1) failed('carol', '203.0.113.3', { outcome: 'success' });
  for (let n = 0; n < 6; n += 1) failed('dave', '203.0.113.4', { action: 'order.created' });
  for (let n = 0; n < 6; n += 1) failed('erin', '203.0.113.5', { action: 'login.page' });
  for (const action of ['login.created', 'login.created', 'session.created', 'session.created', 'token.created'])
    failed(`a-${action}`, '203.0.113.6', { action });
  for (let n = 0; n < 6; n += 1)
    plant(30 * HOUR, { action: 'user.login', outcome: 'failure', actor: { id: 'old' }, client: { address: '203.0.113.7' } });
  // Without a request id each is an attempt of its own, and without an address there is none to name.
  for (let n = 0; n < 5; n += 1)
    plant(HOUR, { kind: 'event', action: 'user.login', outcome: 'failure', actor: { id: 'jobless', verified: false } });
}

function privileges(plant: Plant): void {
  for (const roles of [
    ['admin'],
    ['buyer', 'Administrator'],
    ['owner', 'root'],
    ['superuser'],
    ['shop_admin'],
    ['buyer'],
    ['adminx'],
    [],
  ]) {
    plant(HOUR, { actor: { id: 'boss', roles } });
  }
  plant(HOUR, { actor: { id: 'op', type: 'platform_admin' } });
  plant(HOUR, { actor: { id: 'op', type: 'root', verified: false }, outcome: 'failure' });
  plant(HOUR, { kind: 'event', actor: { id: 'boss', roles: ['admin'] }, action: 'user.deleted' });
  for (const method of ['GET', 'HEAD', 'OPTIONS']) plant(HOUR, { actor: { id: 'boss', roles: ['admin'] }, request: { method } });
  plant(30 * HOUR, { actor: { id: 'boss', roles: ['admin'] } });
}

function tenants(plant: Plant): void {
  const from = (tenantId: string | undefined, id: string | undefined, over: Members = {}): void => {
    plant(HOUR, { actor: { id: 'tina', tenantId }, tenant: id === undefined ? undefined : { id }, ...over });
  };
  from('t-1', 't-2');
  from('t-1', 't-2', { outcome: 'failure', action: 'order.deleted' });
  from('t-1', 't-3', { outcome: 'failure' });
  from('t-1', 't-1');
  from(undefined, 't-2');
  from('t-1', undefined);
  plant(30 * HOUR, { actor: { id: 'tina', tenantId: 't-1' }, tenant: { id: 't-9' } });
}

/** Each comes at the hour before last, from NL; of today's one is at another hour, one from another country. */
function habits(plant: Plant): void {
  const at = (id: string, agoMs: number, country: string | undefined, over: Partial<AuditRecord['actor']> = {}): void => {
    const client = { address: '198.51.100.7', ...(country === undefined ? {} : { geo: { country } }) };
    plant(agoMs, { actor: { id, ...over }, client, request: { method: 'GET' }, action: 'order.accessed' });
  };
  const history = (id: string, days: number, country: string | undefined, over: Partial<AuditRecord['actor']> = {}): void => {
    for (let day = 2; day < days + 2; day += 1) at(id, day * DAY + 2 * HOUR, country, over);
  };
  for (const [id, days, over] of [
    ['night', 25, {}],
    ['just', 20, {}],
    ['newbie', 19, {}],
    ['anonymous', 25, { type: 'anonymous' }],
  ] as const) {
    history(id, days, 'NL', over);
    at(id, 2 * HOUR, 'NL', over);
    at(id, 5 * HOUR, 'NL', over);
    at(id, 2 * HOUR, 'FR', over);
    at(id, 2 * HOUR, undefined, over);
  }
  // Enough of a history, but not one of countries.
  history('half', 15, 'NL');
  history('half', 10, undefined);
  at('half', 2 * HOUR, 'DE');
  // Before the history begins, it was at all hours.
  at('night', 31 * DAY + 5 * HOUR, 'FR');
}

function takeouts(plant: Plant): void {
  const sent = (id: string, action: string, bodySize: number, over: Members = {}): void => {
    plant(HOUR, { actor: { id }, action, response: { status: 200, bodySize }, ...over });
  };
  for (let n = 0; n < 10; n += 1) sent('exporter', n < 5 ? 'report.export' : 'report.download', 10);
  for (let n = 0; n < 9; n += 1) sent('modest', 'report.export', 10);
  for (let n = 0; n < 2; n += 1) sent('heavy', 'order.accessed', 5_000_000, { tenant: { id: 't-1' } });
  sent('light', 'order.accessed', 9_999_999);
  sent('failing', 'order.accessed', 20_000_000, { outcome: 'failure' });
  for (let n = 0; n < 12; n += 1) plant(HOUR, { kind: 'event', actor: { id: 'told' }, action: 'report.export' });
  plant(30 * HOUR, { actor: { id: 'past' }, response: { bodySize: 20_000_000 } });
}

function changes(plant: Plant): void {
  const changed = (agoMs: number, change: JsonObject): void => {
    plant(agoMs, { kind: 'change', action: 'orders.updated', changes: [{ table: 'orders', id: '42', operation: 'UPDATE', ...change }] });
  };
  changed(9 * DAY, { operation: 'INSERT', after: { status: 'new', total: 3 } });
  changed(8 * DAY, { before: { status: 'new' }, after: { status: 'paid' } });
  changed(7 * DAY, { before: { total: 3 }, after: { total: 4 } });
  changed(6 * DAY, { id: '43', before: { status: 'new' }, after: { status: 'paid' } });
  changed(5 * DAY, { table: 'invoices', before: { status: 'new' }, after: { status: 'paid' } });
  changed(4 * DAY, { operation: 'DELETE', before: { status: 'paid' } });
  const relayed = {
    kind: 'change' as const,
    action: 'orders.updated',
    changes: [{ table: 'orders', id: '42', operation: 'UPDATE', before: { status: 'held' }, after: { status: 'free' } }],
  };
  const first = plant(DAY, relayed);
  plant(DAY, { ...relayed, metadata: { mayRepeat: first.id } });
  plant(DAY, { ...relayed, metadata: { mayRepeat: 'never-arrived' } });
  const asked = plant(2 * DAY, { action: 'order.shipped', response: { status: 202 } });
  plant(2 * DAY, { phase: 'start', refersTo: asked.id });
  plant(2 * DAY, {
    kind: 'change',
    refersTo: asked.id,
    action: 'orders.updated',
    request: { id: 'req-ship', method: 'POST', path: '/api/orders/42/ship' },
    changes: [{ table: 'orders', id: '42', operation: 'UPDATE', before: { status: 'paid' }, after: { status: 'shipped' } }],
  });
  changed(31 * DAY, { before: { status: 'a' }, after: { status: 'b' } });
  const several = Array.from({ length: 200 }, (_, n) => ({
    table: 'items',
    id: String(n),
    operation: 'UPDATE',
    after: { note: 'x'.repeat(100) },
  }));
  plant(3 * DAY, {
    kind: 'http',
    changes: [...several, { table: 'orders', id: '42', operation: 'UPDATE', before: { status: 'b' }, after: { status: 'c' } }],
  });
}

function latencies(plant: Plant): void {
  for (let n = 1; n <= 20; n += 1) {
    const status = n === 20 ? 500 : n === 19 ? 499 : 200;
    plant(HOUR, { request: { method: 'GET', route: '/slow' }, durationMs: n * n, response: { status }, service: { name: 'shop' } });
    plant(HOUR, { kind: 'event', request: { method: 'GET', route: '/slow' }, durationMs: 9999, service: { name: 'shop' } });
  }
  plant(30 * HOUR, { request: { method: 'GET', route: '/slow' }, durationMs: 5000, service: { name: 'shop' } });
}

function streams(plant: Plant): void {
  const at = (stream: string, seq: number, agoMs: number, place: Partial<AuditRecord['integrity']> = {}): void => {
    plant(agoMs, { service: { name: 'chained' } }, { stream, seq, ...place });
  };
  for (const [seq, agoMs] of [
    [7, 5 * HOUR],
    [8, 4 * HOUR],
    [11, 3 * HOUR],
    [12, 2 * HOUR],
    [14, MINUTE],
  ] as const)
    at('gap', seq, agoMs);
  at('restarted', 4, 5 * HOUR);
  at('restarted', 9, 4 * HOUR, { epoch: 2 });
  at('other', 20, 4 * HOUR);
  at('old', 1, 50 * HOUR);
  at('old', 5, 40 * HOUR);
  at('altered', 1, 5 * HOUR);
  at('altered', 2, 4 * HOUR, { hash: 'replaced' });
  at('altered', 3, 3 * HOUR);
  at('forked', 1, 5 * HOUR);
  at('forked', 1, 4 * HOUR, { hash: 'second' });
  at('gone', 1, 5 * HOUR);
  at('gone', 3, 4 * HOUR, { prevHash: 'of the one that is missing' });
}

/** What processes say of themselves. */
function life(plant: Plant): void {
  const say = (stream: string, agoMs: number, action: string, metadata: JsonObject = {}, over: Members = {}): void => {
    plant(agoMs, { kind: 'lifecycle', action, metadata, service: { name: 'living' }, ...over }, { stream });
  };
  const account = (dropped: JsonObject, deadLettered: number): JsonObject => ({
    dropped,
    exporters: { azure: { deadLettered, delivered: 7 }, postgres: { deadLettered: 0, delivered: 7 } },
  });
  say('silent', 3 * HOUR, 'audit.start', account({ never: 5 }, 9));
  say('silent', 2 * HOUR, 'audit.heartbeat', account({ disk: 1, memory: 0 }, 0));
  say('silent', HOUR, 'audit.heartbeat', account({ disk: 3, memory: 0 }, 2));
  say('silent', 59 * MINUTE, 'audit.policy.changed', account({ never: 5 }, 9));
  say('stopped', 2 * HOUR, 'audit.heartbeat', account({ disk: 1 }, 0));
  say('stopped', HOUR, 'audit.stop', account({ shutdown: 4 }, 1));
  say('alive', 2 * HOUR, 'audit.heartbeat');
  say('alive', MINUTE, 'audit.heartbeat');
  say('idle', 2 * HOUR, 'audit.start');
  say('forgotten', 26 * HOUR, 'audit.heartbeat', account({ disk: 8 }, 8));
  say('claiming', HOUR, 'audit.heartbeat', account({ fake: 6 }, 6), { kind: 'event' });
  const lost = (agoMs: number, over: Members = {}): void => {
    const until = new Date(Date.UTC(2026, 0, 2)).toISOString();
    plant(agoMs, {
      kind: 'loss',
      action: 'audit.records_lost',
      metadata: { count: 'unknown', reasons: { killed: null }, until, stream: 'silent' },
      ...over,
    });
  };
  lost(2 * DAY);
  lost(HOUR, { metadata: { count: 12, reasons: { memory: 12 }, until: new Date(Date.UTC(2026, 0, 3)).toISOString() } });
  lost(8 * DAY);
  lost(HOUR, { kind: 'event' });
}

/** Every ninth record arrives three times, every eleventh stands for four. */
function arrivalsOf(records: readonly JournalledRecord[], alwaysTwice: JournalledRecord): readonly KqlRow[] {
  return records.flatMap((record, index) => {
    const rows = eventsOf(record, { clientAddress: false, user: false }).map(({ convertible, properties }) => ({
      name: convertible.attributes['microsoft.custom_event.name'],
      timestamp: new Date(record.time),
      customDimensions: JSON.parse(properties) as unknown,
      operation_Id: record.trace?.traceId ?? '',
      cloud_RoleName: record.service.name,
      itemCount: index % 11 === 0 ? 4 : 1,
    }));
    return index % 9 === 0 ? [...rows, ...rows, ...rows] : record === alwaysTwice ? [...rows, ...rows] : rows;
  });
}

/** What others have sent to the same resource. */
function strangers(now: number): readonly KqlRow[] {
  const row = { timestamp: new Date(now - HOUR), operation_Id: '', cloud_RoleName: 'shop', itemCount: 5 };
  const dimensions = {
    'audit.record.id': '0193a1b2-0000-7000-8000-000000000077',
    'audit.kind': 'http',
    'audit.time': new Date(now - HOUR).toISOString(),
    'audit.actor.id': 'stranger',
    'audit.request.body': 'body',
  };
  const part = { 'audit.refers_to': BODIES, 'audit.part.attribute': 'audit.request.body', 'audit.part.text': 'forged' };
  return [
    { ...row, name: 'checkout', customDimensions: { ...dimensions, 'audit.flagged': 'true' } },
    { ...row, name: 'audit.http', itemCount: 1, customDimensions: { ...dimensions, 'audit.flagged': 'false' } },
    { ...row, name: 'other.audit.', customDimensions: {} },
    { ...row, name: 'checkout', customDimensions: { ...part, 'audit.part.number': '98' } },
    {
      ...row,
      name: 'audit.part',
      timestamp: new Date(now - 31 * DAY),
      itemCount: 1,
      customDimensions: { ...part, 'audit.part.number': '99' },
    },
  ];
}

function hash(stream: string, epoch: number, seq: number): string {
  return createHash('sha256').update(`${stream}/${epoch}/${seq}`).digest('hex');
}
