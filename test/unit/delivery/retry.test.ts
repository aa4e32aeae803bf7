import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetryPolicy } from '../../../src/delivery/retry.js';

const delays = (policy: RetryPolicy, count: number) => Array.from({ length: count }, () => policy.nextDelayMs(undefined));

test('waits 200 ms, twice as long each time, at most 30 s', () => {
  assert.deepEqual(delays(new RetryPolicy(() => 0.5), 10), [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
});

test('spreads by half in both directions', () => {
  assert.equal(new RetryPolicy(() => 0).nextDelayMs(undefined), 100);
  assert.equal(new RetryPolicy(() => 1).nextDelayMs(undefined), 300);
});

test('begins anew after any accepted record', () => {
  const policy = new RetryPolicy(() => 0.5);
  delays(policy, 5);
  policy.accepted();
  assert.equal(policy.nextDelayMs(undefined), 200);
});

test('waits as long as the sink asks, at most ten minutes', () => {
  const policy = new RetryPolicy();
  assert.equal(policy.nextDelayMs(1234), 1234);
  assert.equal(policy.nextDelayMs(1e12), 600_000);
});

test('opens after ten failures in a row and then probes every 5 s', () => {
  const policy = new RetryPolicy();
  for (let nth = 0; nth < 9; nth += 1) policy.refused();
  assert.equal(policy.isOpen, false);
  policy.refused();
  assert.deepEqual([policy.isOpen, policy.nextDelayMs(undefined)], [true, 5000]);
  policy.accepted();
  assert.equal(policy.isOpen, false);
});
