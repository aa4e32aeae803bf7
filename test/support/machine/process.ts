/** A simulated process: a part of this one, told apart by the asynchronous context. */

import { AsyncLocalStorage } from 'node:async_hooks';
import type { Machine } from './machine.js';

export interface SimulatedProcess {
  readonly machine: Machine;
  readonly pid: number;
  /** Where: process ids of different hosts have nothing to do with each other. */
  readonly host: number;
  readonly startTime: number;
  isDead: boolean;
  /** Settles when it goes on; undefined while it runs. */
  frozen: Promise<void> | undefined;
  readonly timers: Set<NodeJS.Timeout | NodeJS.Immediate>;
  /** What it does again and again so seldom that it comes only with a jump of the clock. */
  readonly seldom: Map<NodeJS.Timeout, Seldom>;
  readonly onDeath: (() => void)[];
}

export interface Seldom {
  readonly everyMs: number;
  /** By the machine's clock. */
  dueMs: number;
  readonly run: () => void;
}

/** Whose work it is; undefined: that of the test itself. */
export const current = new AsyncLocalStorage<SimulatedProcess>();
/** As they are before a machine puts its own in their place. */
export const real = {
  setTimeout,
  setInterval,
  setImmediate,
  clearTimeout,
  clearInterval,
  clearImmediate,
  dateNow: Date.now,
  kill: process.kill,
};

export function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}
