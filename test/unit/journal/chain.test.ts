import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalize } from '../../../src/canonical.js';
import { encodeLine, followsLink, GENESIS_HASH, isIntact, sha256, verifyLine } from '../../../src/journal/chain.js';
import { PendingLines } from '../../../src/journal/pending-lines.js';
import type { AuditRecord, JsonObject } from '../../../src/record.js';
import { makeRecord } from '../../support/sized-records.js';

const LINK = { epoch: 1, seq: 7, prevHash: GENESIS_HASH, stream: '01890000-0000-7000-8000-000000000000' };

const text = fc.string({ unit: 'binary' });
const optional = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });
const object = fc.dictionary(text, fc.jsonValue(), { maxKeys: 5 }) as fc.Arbitrary<JsonObject>;
const body = {
  body: optional(text),
  bodyFormat: optional(fc.constantFrom('json' as const, 'text' as const)),
  bodySize: optional(fc.nat()),
};
const records: fc.Arbitrary<AuditRecord> = fc.record({
  id: fc.uuid(),
  schemaVersion: fc.constant(1),
  kind: fc.constantFrom('http' as const, 'event' as const, 'change' as const),
  phase: optional(fc.constant('start' as const)),
  refersTo: optional(fc.uuid()),
  time: fc.constant('2026-11-22T10:00:00.000Z'),
  observedTime: fc.constant('2026-11-22T10:00:00.000Z'),
  action: text,
  outcome: fc.constantFrom('success' as const, 'unknown' as const),
  actor: fc.record({
    id: text,
    type: text,
    email: optional(text),
    roles: optional(fc.array(text)),
    scopes: optional(fc.array(text)),
    groups: optional(fc.array(text)),
    clientApp: optional(text),
    verified: fc.boolean(),
  }),
  tenant: optional(fc.record({ id: optional(text), slug: optional(text) })),
  target: optional(fc.record({ type: optional(text), id: optional(text) })),
  request: optional(
    fc.record({
      ...body,
      id: text,
      method: optional(text),
      headers: optional(fc.dictionary(text, text)),
      bodyTruncated: optional(fc.boolean()),
    }),
  ),
  response: optional(fc.record({ ...body, status: optional(fc.nat()), contentType: optional(text) })),
  durationMs: optional(fc.double({ noNaN: true, noDefaultInfinity: true })),
  client: optional(
    fc.record({
      address: optional(text),
      port: optional(fc.nat()),
      peer: optional(text),
      geo: optional(fc.record({ country: optional(text), asn: optional(fc.nat()) })),
    }),
  ),
  trace: optional(fc.record({ traceId: text, spanId: optional(text) })),
  service: fc.record({ name: text, version: optional(text) }),
  error: optional(fc.record({ type: optional(text), message: optional(text) })),
  changes: optional(fc.array(object, { maxLength: 3 })),
  metadata: optional(object),
});

test('a line is the RFC 8785 form of the record with its integrity, and the hash covers all but itself', () => {
  fc.assert(
    fc.property(records, (record) => {
      const { line, hash } = encodeLine(record, LINK);
      assert.equal(line, canonicalize({ ...record, integrity: { ...LINK, hash } }));
      assert.equal(hash, sha256(canonicalize({ ...record, integrity: LINK })));
    }),
    { numRuns: 500 },
  );
});

test('the bytes for the file are the line', () => {
  fc.assert(
    fc.property(fc.array(records, { minLength: 1, maxLength: 5 }), (several) => {
      const pending = new PendingLines();
      let expected = '';
      for (const record of several) {
        pending.commit(pending.encode(record, LINK).byteLength);
        expected += `${encodeLine(record, LINK).line}\n`;
      }
      assert.equal(Buffer.from(pending.view()).toString('utf8'), expected);
    }),
  );
});

test('verifies what was encoded, also with an own key called integrity in the changes', () => {
  const tricky = makeRecord({ changes: [{ integrity: { epoch: 1, hash: 'x', prevHash: 'y' } }] });
  for (const record of [makeRecord(), tricky]) {
    const verified = verifyLine(encodeLine(record, LINK).line);
    assert.ok('record' in verified);
    assert.equal(verified.record.id, record.id);
  }
});

test('any single changed character is noticed', () => {
  const { line } = encodeLine(makeRecord(), LINK);
  fc.assert(
    fc.property(fc.nat(line.length - 1), (at) => {
      const changed = `${line.slice(0, at)}${line[at] === 'q' ? 'p' : 'q'}${line.slice(at + 1)}`;
      assert.ok('fault' in verifyLine(changed));
    }),
    { numRuns: 300 },
  );
});

test('a record that was given another member is not whole', () => {
  const recorded = makeRecord();
  const record = { ...recorded, integrity: { ...LINK, hash: encodeLine(recorded, LINK).hash } };
  assert.ok(isIntact(record));
  for (const forged of [
    { ...record, extra: 1 },
    { ...record, actor: { ...record.actor, extra: 1 } },
  ])
    assert.ok(!isIntact(forged));
});

test('a record follows only its predecessor', () => {
  const first = { ...LINK, seq: 1, hash: sha256('a') };
  const record = (integrity: typeof first) => ({ ...makeRecord(), integrity });
  assert.ok(followsLink(record(first), undefined));
  assert.ok(followsLink(record({ ...first, seq: 2, prevHash: first.hash }), first));
  assert.ok(!followsLink(record({ ...first, seq: 3, prevHash: first.hash }), first));
  assert.ok(!followsLink(record({ ...first, seq: 2, prevHash: sha256('b') }), first));
});
