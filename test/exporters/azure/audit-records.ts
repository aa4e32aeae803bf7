/** Plain records with a true hash for the tests of the Azure exporter. */

import { createHash } from 'node:crypto';
import { canonicalize } from '../../../src/canonical.js';
import { type AuditRecord, type JournalledRecord, SCHEMA_VERSION } from '../../../src/record.js';

/** With its hash; `index` makes id and place in the chain. */
export function recordOf(index: number, over: Partial<AuditRecord> = {}): JournalledRecord {
  const time = new Date(Date.UTC(2026, 10, 22, 12, 0, 0, index % 1000)).toISOString();
  return sealed(index, {
    id: `0193-${index}`,
    schemaVersion: SCHEMA_VERSION,
    kind: 'http',
    time,
    observedTime: time,
    action: 'order.created',
    outcome: 'success',
    actor: { id: 'alice', type: 'user', email: 'alice@example.com', roles: ['buyer', 'admin'], source: 'jwt', verified: true },
    tenant: { id: 't-1', slug: 'acme' },
    target: { type: 'order', id: '42' },
    request: {
      id: `req-${index}`,
      method: 'POST',
      path: '/api/orders',
      route: '/api/orders',
      headers: { accept: '*/*', 'content-type': 'application/json' },
      contentType: 'application/json',
      body: '{"item":"book","password":"[REDACTED]"}',
      bodyFormat: 'json',
      bodySize: 40,
    },
    response: { status: 201, contentType: 'application/json', body: '{"id":42}', bodyFormat: 'json', bodySize: 9 },
    durationMs: 12.25,
    client: { address: '198.51.100.9', port: 4711, userAgent: 'curl/8' },
    trace: { traceId: '2588ef2115f07741a5bc572b5074f9c0', spanId: '25d5b885908e4795' },
    service: { name: 'orders', version: '1.2.3', instanceId: 'i-1' },
    ...over,
  });
}

export function recordsOf(count: number, over: Partial<AuditRecord> = {}): readonly JournalledRecord[] {
  return Array.from({ length: count }, (_, index) => recordOf(index, over));
}

/** As the journal hashes: over the canonical form without `integrity.hash`. */
export function hashOf(record: AuditRecord): string {
  const { hash: _, ...integrity } = record.integrity ?? { hash: '' };
  return createHash('sha256')
    .update(canonicalize({ ...record, integrity }))
    .digest('hex');
}

/** As it comes out of a journal line: without undefined members. */
function sealed(index: number, given: AuditRecord): JournalledRecord {
  const record = plain(given) as AuditRecord;
  const integrity = { stream: 's-1', epoch: 1, seq: index + 1, prevHash: '0'.repeat(64) };
  const hash = hashOf({ ...record, integrity: { ...integrity, hash: '' } });
  return { ...record, integrity: { ...integrity, hash } };
}

/** What JSON keeps of a value. */
export function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
