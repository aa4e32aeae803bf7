import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseTimestamp } from '../../exporters/postgres/timestamp.js';

describe('times of records for Postgres', () => {
  it('are what the engine says they are', () => {
    const dates = fc.date({ min: new Date(0), max: new Date('3999-12-31T23:59:59.999Z'), noInvalidDate: true });
    fc.assert(fc.property(dates, (date) => assert.equal(parseTimestamp(date.toISOString()), date.getTime())));
  });

  it('have one spelling', () => {
    const others = [
      '2026-02-30T00:00:00.000Z',
      '2026-13-01T00:00:00.000Z',
      '2026-01-01T24:00:00.000Z',
      '2026-01-01T00:60:00.000Z',
      '2026-01-01T00:00:60.000Z',
      '2026-01-01T00:00:00.0000',
      '2026-01-01 00:00:00.000Z',
      '2026-01-01T00:00:00,000Z',
      '2026-01-01T-1:00:00.000Z',
      '2026-01-01T0 :00:00.000Z',
      '4000-01-01T00:00:00.000Z',
      '2026-01-01T00:00:00Z',
      'none',
      '',
    ];
    for (const text of others) assert.equal(parseTimestamp(text), undefined, text);
    // An impossible day is not remembered as one that is possible.
    assert.equal(parseTimestamp('2026-02-30T00:00:00.000Z'), undefined);
    assert.equal(parseTimestamp('2026-03-02T00:00:00.000Z'), Date.UTC(2026, 2, 2));
  });
});
