import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { countOf, durationMs, statusOf, statusRange, targetOf, timeOf } from '../../src/cli/flags.js';

describe('a flag', () => {
  it('is a duration', () => {
    assert.deepEqual(
      ['90', '90s', '2m', '12h', '7d', '1w'].map(durationMs),
      [90_000, 90_000, 120_000, 43_200_000, 604_800_000, 604_800_000],
    );
    for (const text of ['', 'x', '-1s', '1y', '1.5h']) assert.throws(() => durationMs(text), { code: 'commander.invalidArgument' });
  });

  it('is a time, or how long ago', () => {
    const now = Date.parse('2026-11-22T12:00:00.000Z');
    assert.equal(timeOf('12h', now), '2026-11-22T00:00:00.000Z');
    assert.equal(timeOf('2026-11-01', now), '2026-11-01T00:00:00.000Z');
    assert.equal(timeOf('2026-11-01T08:00:00+02:00', now), '2026-11-01T06:00:00.000Z');
    for (const text of ['yesterday', '5', '2026-99-01', '']) assert.throws(() => timeOf(text, now), { code: 'commander.invalidArgument' });
  });

  it('is a status, or several', () => {
    assert.deepEqual(['404', '4xx', '400-403'].map(statusRange), [
      [404, 404],
      [400, 499],
      [400, 403],
    ]);
    for (const text of ['4', '6xx', 'x', '400-']) assert.throws(() => statusRange(text), { code: 'commander.invalidArgument' });
  });

  it('is a target or a count', () => {
    assert.deepEqual(['order', 'order/o-17', '/o-17', 'file/a/b'].map(targetOf), [
      { type: 'order' },
      { type: 'order', id: 'o-17' },
      { type: undefined, id: 'o-17' },
      { type: 'file', id: 'a/b' },
    ]);
    assert.equal(countOf('5'), 5);
    for (const text of ['0', '-1', 'x', '1.5']) assert.throws(() => countOf(text), { code: 'commander.invalidArgument' });
  });

  it('is one status', () => {
    assert.equal(statusOf('404'), 404);
    for (const text of ['4xx', '400-403', '99', '600', '']) assert.throws(() => statusOf(text), { code: 'commander.invalidArgument' });
  });
});
