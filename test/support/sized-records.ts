/** Records for tests: plausible, and as large as asked for. */

import { v7 as uuidv7 } from 'uuid';
import type { AuditRecord } from '../../src/record.js';

export function makeRecord(changes: Partial<AuditRecord> = {}): AuditRecord {
  const id = uuidv7();
  return {
    id,
    schemaVersion: 1,
    kind: 'http',
    time: '2026-11-22T10:00:00.000Z',
    observedTime: '2026-11-22T10:00:00.012Z',
    action: 'order.created',
    outcome: 'success',
    actor: { id: 'user-7', type: 'user', email: 'jörg@example.com', roles: ['admin', 'buyer'], source: 'jwt', verified: true },
    tenant: { id: 'tenant-1', slug: 'acme' },
    target: { type: 'order', id: '4711' },
    request: {
      id,
      method: 'POST',
      path: '/api/orders',
      route: '/api/orders',
      query: 'dry=1',
      headers: { accept: '*/*', 'content-type': 'application/json' },
      contentType: 'application/json',
      body: '{"item":"teapot","note":"größer"}',
      bodyFormat: 'json',
      bodySize: 34,
    },
    response: { status: 201, contentType: 'application/json', body: '{"id":4711}', bodyFormat: 'json', bodySize: 11 },
    durationMs: 12.25,
    client: { address: '127.0.0.1', port: 50123, userAgent: 'test/1.0', geo: { country: 'DE' } },
    trace: { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' },
    service: { name: 'orders', version: '1.2.3', instanceId: 'host-1' },
    metadata: { zeta: 1, alpha: { '10': true, '9': null } },
    ...changes,
  };
}

/** A record whose journal line is about `bytes` long. */
export function makeSizedRecord(bytes: number): AuditRecord {
  const record = makeRecord();
  const size = Math.max(0, Math.floor((bytes - 1350) / 2));
  const body = JSON.stringify({ text: 'x'.repeat(size) });
  return { ...record, request: { id: record.id, ...record.request, body }, response: { ...record.response, body } };
}
