/** Arbitrary records with a true hash, for the properties the Azure exporter must hold. */

import fc from 'fast-check';
import { type AuditRecord, type JournalledRecord, type JsonObject, OUTCOMES, RECORD_KINDS } from '../../../src/record.js';
import { plain, recordOf } from './audit-records.js';

/** Any record the type allows, empty members and absent ones included. */
export function arbitraryRecord(index: number): fc.Arbitrary<JournalledRecord> {
  return anyMembers.map((members) => {
    const request = members.request === undefined ? undefined : { ...members.request[0], ...members.request[1] };
    const response = members.response === undefined ? undefined : { ...members.response[0], ...members.response[1] };
    return recordOf(index, { ...members, request, response } as Partial<AuditRecord>);
  });
}

const text = fc.string({ unit: 'binary', maxLength: 40 }).map((value) => value.replaceAll('\0', '\ufffd'));
const optionalText = fc.option(text, { nil: undefined });
const json = fc.dictionary(text, fc.jsonValue({ noUnicodeString: false, maxDepth: 3 })).map((value) => plain(value) as JsonObject);

/** A body around the sizes at which it is split and moved, of text that grows in JSON or in UTF-8. */
const longText = fc
  .tuple(
    fc.constantFrom('x', '"', '\\', 'é', '漢', '😀', '\u0001', 'a"😀'),
    fc.constantFrom(0, 1, 2730, 8191, 8192, 8193, 16_385, 50_000, 70_000, 200_000),
  )
  .map(([unit, bytes]) => unit.repeat(Math.ceil(bytes / Buffer.byteLength(unit))));
const body = fc.oneof({ weight: 3, arbitrary: text }, { weight: 1, arbitrary: longText });

const http = fc.record({
  contentType: optionalText,
  body: fc.option(body, { nil: undefined }),
  bodyFormat: fc.constantFrom('json' as const, 'text' as const, undefined),
  bodySize: fc.option(fc.nat(), { nil: undefined }),
  bodyTruncated: fc.option(fc.boolean(), { nil: undefined }),
  bodyOmitted: fc.constantFrom('level' as const, 'binary' as const, undefined),
  bodyHash: optionalText,
});

const anyMembers = fc.record({
  kind: fc.constantFrom(...RECORD_KINDS),
  phase: fc.constantFrom('start' as const, undefined),
  refersTo: optionalText,
  outcome: fc.constantFrom(...OUTCOMES),
  action: text,
  actor: fc.record({
    id: text,
    type: text,
    email: optionalText,
    roles: fc.option(fc.array(text, { maxLength: 4 }), { nil: undefined }),
    verified: fc.boolean(),
  }),
  tenant: fc.option(fc.record({ id: optionalText, slug: optionalText }), { nil: undefined }),
  target: fc.option(fc.record({ type: optionalText, id: optionalText }), { nil: undefined }),
  request: fc.option(
    fc.tuple(
      http,
      fc.record({ id: text, method: optionalText, path: optionalText, headers: fc.option(fc.dictionary(text, text), { nil: undefined }) }),
    ),
    { nil: undefined },
  ),
  response: fc.option(fc.tuple(http, fc.record({ status: fc.option(fc.integer({ min: 100, max: 599 }), { nil: undefined }) })), {
    nil: undefined,
  }),
  durationMs: fc.option(fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }), { nil: undefined }),
  client: fc.option(
    fc.record({ address: optionalText, geo: fc.option(fc.record({ country: optionalText, city: optionalText }), { nil: undefined }) }),
    { nil: undefined },
  ),
  trace: fc.option(fc.record({ traceId: text, spanId: optionalText }), { nil: undefined }),
  error: fc.option(fc.record({ type: optionalText, message: optionalText }), { nil: undefined }),
  changes: fc.option(fc.array(json, { maxLength: 3 }), { nil: undefined }),
  metadata: fc.option(
    fc.oneof(
      json,
      longText.map((value) => ({ value })),
    ),
    { nil: undefined },
  ),
});
