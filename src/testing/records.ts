/** Records for tests of exporters: plain ones and hostile ones, chained as the journal chains them. */

import { createHash } from 'node:crypto';
import { v7 } from 'uuid';
import { canonicalize } from '../canonical.js';
import { type AuditRecord, type JournalledRecord, type JsonObject, SCHEMA_VERSION } from '../record.js';

/** A usual HTTP record; records of different `n` differ in id, time, actor and body. */
export function exampleRecord(n = 0, overrides: Partial<AuditRecord> = {}): AuditRecord {
  const id = v7();
  const time = new Date(Date.now() + n).toISOString();
  return {
    id,
    schemaVersion: SCHEMA_VERSION,
    kind: 'http',
    time,
    observedTime: time,
    action: 'order.created',
    outcome: 'success',
    actor: {
      id: `user-${n % 50}`,
      type: 'user',
      email: `user-${n % 50}@example.com`,
      roles: ['buyer', 'admin'],
      scopes: ['orders.read', 'orders.write'],
      groups: ['b2b'],
      source: 'jwt',
      verified: false,
    },
    tenant: { id: `tenant-${n % 5}`, slug: 'acme' },
    target: { type: 'order', id: `o-${n}` },
    request: {
      id,
      method: 'POST',
      path: '/api/orders',
      route: '/api/orders',
      query: 'dry=false',
      headers: { accept: 'application/json', origin: 'https://shop.example' },
      contentType: 'application/json',
      body: `{"sku":"A-${n}", "amount":1e2,"card":"[REDACTED]"}`,
      bodyFormat: 'json',
      bodySize: 62,
      bodyTruncated: false,
    },
    response: { status: 201, contentType: 'text/plain', body: `created "${n}"`, bodyFormat: 'text', bodySize: 11 },
    durationMs: 12.345 + n,
    client: { address: '203.0.113.7', port: 50_123, userAgent: 'test/1.0', geo: { country: 'NL', city: 'Utrecht' } },
    trace: { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' },
    service: { name: 'orders', version: '1.2.3', instanceId: 'host-1' },
    metadata: { plan: 'gold', count: n },
    ...overrides,
  };
}

/** Only what every record has. */
export function minimalRecord(): AuditRecord {
  const time = new Date().toISOString();
  const actor = { id: 'anonymous', type: 'anonymous', verified: false };
  return {
    id: v7(),
    schemaVersion: 1,
    kind: 'event',
    time,
    observedTime: time,
    action: 'a',
    outcome: 'unknown',
    actor,
    service: { name: 's' },
  };
}

/** Text that has broken sinks: quoting, format strings, separators, the longest a record may hold, what replaces the unstorable. */
export const HOSTILE_STRINGS: readonly string[] = [
  '',
  ' ',
  '\'"`; DROP TABLE audit_logs; --',
  '%s %I %n {{x}} #{x} $1 \\x \\u0000 \\',
  '\\N\t\r\n,;"',
  '\u2028\u2029\u0085\u00a0\ufeff\ufffd\uffff',
  '👩‍👩‍👧‍👦 🇳🇱 e\u0301 \u202e gnirts',
  '{"json": [true, null]}',
  'null',
  'x'.repeat(1024),
  '𝕏'.repeat(256),
];

export function hostileRecords(): readonly AuditRecord[] {
  const texts = HOSTILE_STRINGS.map((text, n) =>
    exampleRecord(n, {
      action: text,
      actor: { id: text, type: text, email: text, name: text, roles: [text, text], scopes: [text], groups: [text], verified: true },
      tenant: { id: text, slug: text },
      target: { type: text, id: text },
      request: { id: text, method: text, path: text, route: text, query: text, headers: { [text]: text }, body: text, bodyFormat: 'text' },
      response: { contentType: text, body: JSON.stringify({ [text]: text }), bodyFormat: 'json' },
      client: { forwarded: text, userAgent: text, geo: { country: text } },
      error: { type: text, message: text },
      changes: [{ [text]: text }],
      metadata: { [text]: [text], ['__proto__']: text },
    }),
  );
  const numbers: JsonObject = {
    max: Number.MAX_VALUE,
    min: 5e-324,
    negative: -0.1,
    long: 123_456_789.123_456_78,
    safe: Number.MAX_SAFE_INTEGER,
  };
  return [
    ...texts,
    minimalRecord(),
    exampleRecord(0, { metadata: numbers, durationMs: 1e-7, response: { status: 0, bodySize: Number.MAX_SAFE_INTEGER } }),
    exampleRecord(0, { metadata: nested(60), changes: [], error: {} }),
    exampleRecord(0, { tenant: {}, target: {}, client: {}, response: {}, metadata: {} }),
    exampleRecord(0, { client: { address: '::ffff:198.51.100.1' } }),
    exampleRecord(0, { client: { address: 'fe80::1%eth0' } }),
    exampleRecord(0, { client: { address: 'not an address' } }),
    exampleRecord(0, { response: { body: '{"a": 1, "a": 2, "n": 1.0, "big": 1e400}', bodyFormat: 'json' } }),
    exampleRecord(0, { response: { body: 'x'.repeat(200_000), bodyFormat: 'text' } }),
  ];
}

function nested(depth: number): JsonObject {
  return depth === 0 ? { end: true } : { list: [nested(depth - 1)] };
}

/** The records with the places they would have in one stream's chain. */
export function chained(records: readonly AuditRecord[], stream: string = v7()): readonly JournalledRecord[] {
  let prevHash = sha256('');
  return records.map((record, index) => {
    const place = { stream, epoch: 1, seq: index + 1, prevHash };
    const hash = sha256(canonicalize({ ...record, integrity: place }));
    prevHash = hash;
    return { ...record, integrity: { ...place, hash } };
  });
}

export function exampleRecords(count: number, overrides: Partial<AuditRecord> = {}): readonly JournalledRecord[] {
  return chained(Array.from({ length: count }, (_, n) => exampleRecord(n, overrides)));
}

/** True if the record still is what was hashed. */
export function verifies(record: JournalledRecord): boolean {
  const { hash, ...place } = record.integrity;
  return sha256(canonicalize({ ...record, integrity: place })) === hash;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
