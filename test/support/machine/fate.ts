/** What happens to a call to the file system, by whoever it is. */

import { current, failure, real, type SimulatedProcess } from './process.js';
import { callingSite } from './sites.js';

export const ERRORS = ['EIO', 'ENOSPC', 'EACCES', 'ENOENT'] as const;
/**
 * `short`: a part is written, and then the disk is full. `delay`: late. `crash`: the process is gone before the call, `crash-after` when it is
 * done, `torn` when a part is written.
 */
export type IoFate = (typeof ERRORS)[number] | 'short' | 'delay' | 'crash' | 'crash-after' | 'torn';

export interface IoFault {
  readonly site: string;
  /** From 0: which call there. */
  readonly nth: number;
  readonly fate: IoFate;
}

const never = new Promise<never>(() => undefined);
// 8 ms: long enough for another process to act in between.
export const DELAY_MS = 8;

/** Where a call is about to happen, and to whom; undefined where it is none of ours. */
export interface Call {
  readonly site: string;
  readonly method: string;
  readonly by: SimulatedProcess;
}

export function callBy(method: string): Call | undefined {
  const by = current.getStore();
  const site = by && callingSite(method);
  return by === undefined || site === undefined ? undefined : { site, method, by };
}

/** The fate of a call, which is noted as having happened. */
export function meet({ site, by }: Call): IoFate | undefined {
  const fate = by.machine.fateAt(site);
  if (fate !== undefined) by.machine.disturbed.add(`${site} ${fate}`);
  return fate;
}

/** `part`: does what a call that is cut short has done. */
export interface Deeds<Value> {
  readonly whole: () => Value;
  readonly part?: () => Value;
}

export async function meetLater<Value>(call: Call, { whole, part }: Deeds<Promise<Value>>): Promise<Value> {
  const { by, method } = call;
  if (by.frozen !== undefined) await by.frozen;
  if (by.isDead) return never;
  const fate = meet(call);
  if (fate === 'delay') await new Promise((resolve) => real.setTimeout(resolve, DELAY_MS));
  if (fate === 'crash') by.machine.kill(by);
  if (by.isDead) return never;
  if (fate === 'short' || fate === 'torn') {
    await by.machine.carryOut((part ?? whole)());
    if (fate === 'torn') by.machine.kill(by);
    if (by.isDead) return never;
    throw failure('ENOSPC');
  }
  const isError = (ERRORS as readonly unknown[]).includes(fate);
  // A descriptor is closed whatever close() says.
  const value = isError && method !== 'close' ? undefined : await by.machine.carryOut(whole());
  if (fate === 'crash-after') by.machine.kill(by);
  if (by.frozen !== undefined) await by.frozen;
  if (by.isDead) return never;
  if (isError) throw failure(String(fate));
  return value as Value;
}

export function meetNow<Value>(call: Call, { whole, part }: Deeds<Value>): Value {
  const { by, method } = call;
  if (by.isDead) throw failure('KILLED');
  const fate = meet(call);
  if (fate === 'crash') by.machine.kill(by);
  if (by.isDead) throw failure('KILLED');
  if ((ERRORS as readonly unknown[]).includes(fate)) throw failure(String(fate));
  if (fate === 'short' || fate === 'torn') {
    const value = (part ?? whole)();
    if (fate === 'torn') by.machine.kill(by);
    // write(2) answers how much it took; what writes a whole file finds out at the next.
    if (fate === 'torn' || method !== 'writeSync') throw failure('ENOSPC');
    return value;
  }
  const value = whole();
  if (fate !== 'crash-after') return value;
  by.machine.kill(by);
  throw failure('KILLED');
}
