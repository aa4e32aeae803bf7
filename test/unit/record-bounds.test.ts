import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ANONYMOUS, type AuditRecord, type JsonValue } from '../../src/record.js';
import { boundRecord, cutText, printable } from '../../src/record-bounds.js';

function record(changes: Partial<AuditRecord>): AuditRecord {
  return {
    id: '018f2c3e-8a6b-7c4d-9e0f-112233445566',
    schemaVersion: 1,
    kind: 'http',
    time: '2026-11-22T00:00:00.000Z',
    observedTime: '2026-11-22T00:00:00.000Z',
    action: 'order.created',
    outcome: 'success',
    actor: ANONYMOUS,
    service: { name: 's' },
    ...changes,
  };
}

describe('a record', () => {
  it('is bounded, and says what was cut', () => {
    const bounded = boundRecord(
      record({
        actor: { id: 'a'.repeat(10_000_000), type: 'user', roles: Array.from({ length: 100 }, (_, index) => `r${index}`), verified: false },
        request: { id: 'r', path: `/${'p'.repeat(9000)}` },
      }),
    );
    assert.equal(bounded.actor.id.length, 256);
    assert.equal(bounded.actor.roles?.length, 64);
    assert.equal(bounded.request?.path?.length, 2048);
    assert.deepEqual(Array.from(bounded.metadata?.['truncated'] as string[]).sort(), ['actor.id', 'actor.roles', 'request.path']);
  });

  it('that fits is left as it is', () => {
    assert.equal(boundRecord(record({ metadata: { a: 1 } })).metadata?.['truncated'], undefined);
  });

  it('never trusts more than the boolean true', () => {
    const actor = { id: 'x', type: 'user', verified: 'yes' as unknown as boolean };
    assert.equal(boundRecord(record({ actor })).actor.verified, false);
  });

  it('keeps metadata within 16 KiB', () => {
    const metadata = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`k${index}`, 'v'.repeat(1000)]));
    const bounded = boundRecord(record({ metadata }));
    assert.ok(Buffer.byteLength(JSON.stringify(bounded.metadata)) < 17_000);
    assert.deepEqual(bounded.metadata?.['truncated'], ['metadata']);
  });

  it('holds no control character and no lone surrogate, whatever was put in', () => {
    const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f]/;
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.jsonValue(), (text, json) => {
        const bounded = boundRecord(
          record({
            action: text,
            actor: { id: text, type: text, email: text, roles: [text], verified: true },
            tenant: { id: text },
            request: { id: text, path: text, query: text, headers: { referer: text } },
            metadata: { [text]: json as JsonValue },
          }),
        );
        const walk = (value: unknown): void => {
          if (typeof value === 'string') assert.ok(!UNPRINTABLE.test(value) && value.isWellFormed());
          else if (typeof value === 'object' && value !== null) for (const entry of Object.entries(value)) entry.forEach(walk);
        };
        walk(bounded);
      }),
    );
  });
});

describe('cutting', () => {
  it('never splits a character and never exceeds the bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(50), (text, maxBytes) => {
        const cut = cutText(printable(text), maxBytes);
        assert.ok(Buffer.byteLength(cut) <= maxBytes);
        assert.ok(printable(text).startsWith(cut));
        assert.ok(cut.isWellFormed());
      }),
    );
  });
});
