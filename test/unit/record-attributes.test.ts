import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ATTRIBUTES } from '../../src/attributes.js';
import type { JournalledRecord } from '../../src/record.js';
import { membersOf, toAttributes } from '../../src/record-attributes.js';

/** Every member there is, so that a member without an attribute shows. */
const WHOLE: JournalledRecord = {
  id: '018f2c3e-8a6b-7c4d-9e0f-112233445566',
  schemaVersion: 1,
  kind: 'http',
  phase: 'start',
  refersTo: '018f2c3e-8a6b-7c4d-9e0f-112233445567',
  time: '2026-11-22T00:00:00.000Z',
  observedTime: '2026-11-22T00:00:00.001Z',
  action: 'order.created',
  outcome: 'success',
  actor: { id: 'a', type: 'user', email: 'e@x', name: 'n', roles: ['r'], tenantId: 't', clientApp: 'c', source: 'jwt', verified: false },
  tenant: { id: 't', slug: 's' },
  target: { type: 'order', id: '1' },
  request: {
    id: 'r',
    method: 'POST',
    path: '/o',
    route: '/o',
    query: 'q=1',
    headers: { accept: '*/*' },
    contentType: 'application/json',
    body: '{}',
    bodyFormat: 'json',
    bodySize: 2,
    bodyTruncated: false,
    bodyOmitted: 'level',
    bodyHash: 'ab',
  },
  response: {
    status: 201,
    contentType: 'text/plain',
    body: 'ok',
    bodyFormat: 'text',
    bodySize: 2,
    bodyTruncated: true,
    bodyOmitted: 'level',
    bodyHash: 'ab',
  },
  durationMs: 1.5,
  client: {
    address: '192.0.2.1',
    port: 1,
    peer: '10.0.0.1',
    forwarded: 'f',
    userAgent: 'u',
    geo: { country: 'DE', region: 'BY', city: 'M', asn: 64496 },
  },
  trace: { traceId: 'aa', spanId: 'bb' },
  service: { name: 's', version: '1', instanceId: 'i' },
  error: { type: 'E', message: 'm' },
  changes: [{ table: 'orders' }],
  metadata: { k: 1 },
  integrity: { stream: 'st', epoch: 1, seq: 7, prevHash: 'p', hash: 'h' },
};

describe('attributes', () => {
  it('carry every member there and back', () => {
    assert.deepEqual(membersOf(toAttributes(WHOLE)), WHOLE);
  });

  it('carry every member there and back as strings only', () => {
    const strings = Object.entries(toAttributes(WHOLE)).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]);
    assert.deepEqual(membersOf(Object.fromEntries(strings)), WHOLE);
  });

  it('leave bodies out where they may not travel, and add conventions where wanted', () => {
    const attributes = toAttributes(WHOLE, { bodies: false, conventions: true });
    assert.equal(attributes['audit.request.body'], undefined);
    assert.equal(attributes['http.request.method'], 'POST');
    assert.equal(attributes['user.id'], 'a');
    assert.equal(attributes['audit.flagged'], true);
  });

  it('are named once each, under audit', () => {
    assert.equal(new Set(ATTRIBUTES.map(({ name }) => name)).size, ATTRIBUTES.length);
    for (const { name } of ATTRIBUTES) assert.match(name, /^audit(\.[a-z_]+)+$/);
  });

  it('of the wrong type are left out', () => {
    assert.deepEqual(membersOf({ 'audit.kind': 7, 'audit.duration_ms': 'x', 'audit.actor.verified': 'yes', 'audit.metadata': '{' }), {});
  });
});
