/** The process's end: delivered within the deadline, and decided by the service where it has a say. */

import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { followProcessEnd } from '../../src/process-end.js';

type Listening = 'on' | 'once';

/** A process that notes what is done to it. `listening`: how the service listens for SIGTERM. */
function start(before: readonly Listening[], after: readonly Listening[]) {
  const calls: string[] = [];
  const note = (call: string) => () => void calls.push(call);
  const kill = (_pid: number, signal: string): void => void calls.push(`kill ${signal}`);
  const owner = Object.assign(new EventEmitter(), { pid: 1, kill });
  for (const how of before) owner[how]('SIGTERM', note('service'));
  const health = () => ({ capture: { journalled: 0, pending: 0 }, exporters: {} });
  const flush = async () => {
    calls.push('flush');
    return health();
  };
  const pipeline = { flush, interruptOpen: note('interrupt'), stop: () => {}, closeNow: note('close'), health };
  followProcessEnd(owner as unknown as NodeJS.Process, pipeline as unknown as Parameters<typeof followProcessEnd>[1], 1000);
  for (const how of after) owner[how]('SIGTERM', note('service'));
  return { owner, calls };
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test('delivers what is left and then ends, on a signal that the service does not listen for', async () => {
  const { owner, calls } = start([], []);
  owner.emit('SIGTERM');
  await settle();
  assert.deepEqual(calls, ['flush', 'interrupt', 'flush', 'close', 'kill SIGTERM']);
});

for (const how of ['on', 'once'] as const) {
  for (const [when, before, after] of [
    ['before us', [how], []],
    ['after us', [], [how]],
  ] as const) {
    test(`leaves the end to a service that listens with ${how}, ${when}`, async () => {
      const { owner, calls } = start(before, after);
      owner.emit('SIGTERM');
      await settle();
      assert.deepEqual(calls, ['flush', 'service']);
    });
  }
}
