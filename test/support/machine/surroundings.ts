/** Puts others in the place of timers, the clock and what tells processes apart, for whatever a simulated process does. */

import { current, failure, real, type SimulatedProcess } from './process.js';

// 10 s: a world is over sooner.
const SELDOM_MS = 10_000;

export function installSurroundings(): void {
  installProcesses();
  installTimers();
}

function installProcesses(): void {
  const { pid } = process;
  Object.defineProperty(process, 'pid', { get: () => current.getStore()?.pid ?? pid });
  process.kill = (target, signal) => {
    const by = current.getStore();
    if (by === undefined) return real.kill.call(process, target, signal);
    if (by.machine.processAt(target, by.host) === undefined) throw failure('ESRCH');
    return true;
  };
  Date.now = () => current.getStore()?.machine.nowMs ?? real.dateNow();
}

/** The timers of a process that is dead never come, and those of one that is frozen come later. */
function installTimers(): void {
  const guarded = (by: SimulatedProcess, run: () => void) => () => {
    if (by.isDead) return;
    if (by.frozen === undefined) run();
    else void by.frozen.then(() => by.isDead || run());
  };
  const plan =
    <Timer extends NodeJS.Timeout | NodeJS.Immediate>(start: (run: () => void, ms?: number) => Timer) =>
    (run: (...args: readonly unknown[]) => void, ...rest: readonly unknown[]): Timer => {
      const by = current.getStore();
      const [ms, ...args] = rest as [number | undefined, ...unknown[]];
      if (by === undefined) return (start as unknown as (...args: readonly unknown[]) => unknown)(run, ...rest) as Timer;
      const isImmediate = start === (real.setImmediate as unknown);
      const timer = start(
        guarded(by, () => run(...(isImmediate ? rest : args))),
        ms,
      );
      by.timers.add(timer);
      return timer;
    };
  const repeat = plan<NodeJS.Timeout>(real.setInterval as never);
  const replaced = {
    setTimeout: plan(real.setTimeout as never),
    setInterval(run: () => void, everyMs: number): NodeJS.Timeout {
      const by = current.getStore();
      const timer = repeat(run, everyMs);
      const again = (): void => by?.machine.run(by, guarded(by, run));
      if (by !== undefined && everyMs >= SELDOM_MS) by.seldom.set(timer, { everyMs, dueMs: by.machine.monotonicMs + everyMs, run: again });
      return timer;
    },
    clearInterval(timer: NodeJS.Timeout | undefined): void {
      if (timer !== undefined) current.getStore()?.seldom.delete(timer);
      real.clearInterval(timer);
    },
    setImmediate: plan(real.setImmediate as never),
  };
  Object.assign(globalThis, replaced);
}
