/** Any record that the types allow, for property tests. Needs fast-check. */

import fc from 'fast-check';
import { v7 } from 'uuid';
import { type AuditBody, type AuditRecord, type JsonValue, OUTCOMES, RECORD_KINDS, SCHEMA_VERSION } from '../record.js';

/** Any text without NUL and lone surrogates: those never reach a record. */
const text = fc.string({ unit: 'binary', maxLength: 40 }).map((value) => value.replaceAll('\0', '\ufffd'));

const json = fc.jsonValue({ stringUnit: 'binary', maxDepth: 4 }).map(withoutNul);
const jsonObject = fc.dictionary(text, json, { maxKeys: 4 });

const body: fc.Arbitrary<AuditBody> = fc.record(
  {
    contentType: text,
    bodySize: fc.nat(),
    bodyTruncated: fc.boolean(),
    bodyOmitted: fc.constantFrom('level' as const, 'binary' as const),
    bodyHash: text,
  },
  { requiredKeys: [] },
);

const withBody = fc.oneof(
  body,
  fc.tuple(body, text).map(([rest, value]): AuditBody => ({ ...rest, body: value, bodyFormat: 'text' })),
  fc
    .tuple(body, json, fc.nat(3))
    .map(([rest, value, indent]): AuditBody => ({ ...rest, body: JSON.stringify(value, null, indent), bodyFormat: 'json' })),
);

/** Any record that the types allow and the record builder could make. */
export const anyRecord: fc.Arbitrary<AuditRecord> = fc
  .record(
    {
      kind: fc.constantFrom(...RECORD_KINDS),
      phase: fc.constant('start' as const),
      refersTo: fc.uuid(),
      action: text,
      outcome: fc.constantFrom(...OUTCOMES),
      actor: fc.record(
        {
          id: text,
          type: text,
          email: text,
          name: text,
          roles: fc.array(text, { maxLength: 3 }),
          scopes: fc.array(text, { maxLength: 3 }),
          groups: fc.array(text, { maxLength: 3 }),
          tenantId: text,
          clientApp: text,
          source: text,
          verified: fc.boolean(),
        },
        { requiredKeys: ['id', 'type', 'verified'] },
      ),
      tenant: fc.record({ id: text, slug: text }, { requiredKeys: [] }),
      target: fc.record({ type: text, id: text }, { requiredKeys: [] }),
      request: fc
        .tuple(
          withBody,
          fc.record(
            { id: text, method: text, path: text, route: text, query: text, headers: fc.dictionary(text, text) },
            { requiredKeys: ['id'] },
          ),
        )
        .map(([one, other]) => ({ ...one, ...other })),
      response: fc.tuple(withBody, fc.record({ status: fc.nat(999) }, { requiredKeys: [] })).map(([one, other]) => ({ ...one, ...other })),
      durationMs: fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }),
      client: fc.record(
        {
          address: fc.oneof(fc.ipV4(), fc.ipV6(), text),
          port: fc.nat(65_535),
          forwarded: text,
          userAgent: text,
          geo: fc.record({ country: text, city: text }, { requiredKeys: [] }),
        },
        { requiredKeys: [] },
      ),
      trace: fc.record({ traceId: text, spanId: text }, { requiredKeys: ['traceId'] }),
      service: fc.record({ name: text, version: text, instanceId: text }, { requiredKeys: ['name'] }),
      error: fc.record({ type: text, message: text }, { requiredKeys: [] }),
      changes: fc.array(jsonObject, { maxLength: 2 }),
      metadata: jsonObject,
    },
    { requiredKeys: ['kind', 'action', 'outcome', 'actor', 'service'] },
  )
  .map((members): AuditRecord => {
    const time = new Date().toISOString();
    // Through JSON, as the journal: fast-check's objects have no prototype.
    return JSON.parse(JSON.stringify({ id: v7(), schemaVersion: SCHEMA_VERSION, time, observedTime: time, ...members }));
  });

function withoutNul(value: unknown): JsonValue {
  return JSON.parse(JSON.stringify(value).replaceAll('\\u0000', '\ufffd'));
}
