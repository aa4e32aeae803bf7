/**
 * A machine, or several that share a disk, on which processes run that can be killed, frozen and lied to by the file system. The processes
 * are parts of this one, told apart by the asynchronous context. For test processes of their own: it replaces `node:fs`, timers, the
 * clock and what tells processes apart, for whatever runs in such a process.
 */

import { installCalls } from './calls.js';
import { Disk } from './disk.js';
import type { IoFate, IoFault } from './fate.js';
import { current, real, type SimulatedProcess } from './process.js';
import { installSurroundings } from './surroundings.js';

export class Machine {
  readonly processes: SimulatedProcess[] = [];
  readonly disk: Disk;
  /** Calls so far, by site. */
  readonly calls = new Map<string, number>();
  /** `site fate`: what really happened. */
  readonly disturbed = new Set<string>();
  operations = 0;
  /** What the operating system still does, also for those that are dead since. */
  readonly #underWay = new Set<Promise<unknown>>();
  #faults: readonly IoFault[];
  /** By how much its clocks are ahead of the real ones. */
  offsetMs = 0;
  #thaw: () => void = () => undefined;

  constructor(directory: string, faults: readonly IoFault[]) {
    install();
    this.disk = new Disk(directory);
    this.#faults = faults;
  }

  get nowMs(): number {
    return real.dateNow() + this.offsetMs;
  }

  get monotonicMs(): number {
    return performance.now() + this.offsetMs;
  }

  /** As if so much time had gone by for all. */
  jump(ms: number): void {
    this.offsetMs += ms;
    const now = this.monotonicMs;
    for (const one of this.processes.flatMap(({ seldom }) => [...seldom.values()])) {
      if (one.dueMs > now) continue;
      one.dueMs = now + one.everyMs;
      one.run();
    }
  }

  /** `reusesPid`: gets the process id of the last that is dead there. */
  launch(host: number, reusesPid: boolean): SimulatedProcess {
    const dead = this.processes.findLast((one) => one.host === host && one.isDead);
    const started: SimulatedProcess = {
      machine: this,
      pid: reusesPid && dead !== undefined && !this.#isRunning(dead.pid, host) ? dead.pid : 1000 + this.processes.length,
      host,
      startTime: 1_000_000 + this.processes.length,
      isDead: false,
      frozen: undefined,
      timers: new Set(),
      seldom: new Map(),
      onDeath: [],
    };
    this.processes.push(started);
    return started;
  }

  run<Value>(within: SimulatedProcess, work: () => Value): Value {
    return current.run(within, work);
  }

  /** Whatever it waits for never comes, and nothing it planned happens. */
  kill(one: SimulatedProcess): void {
    if (one.isDead) return;
    one.isDead = true;
    for (const timer of one.timers) {
      real.clearTimeout(timer as NodeJS.Timeout);
      real.clearImmediate(timer as NodeJS.Immediate);
    }
    one.timers.clear();
    for (const tell of one.onDeath) tell();
  }

  freeze(one: SimulatedProcess): void {
    if (one.frozen !== undefined) return;
    one.frozen = new Promise((resolve) => {
      const thawOthers = this.#thaw;
      this.#thaw = () => {
        thawOthers();
        one.frozen = undefined;
        resolve();
      };
    });
  }

  thaw(): void {
    this.#thaw();
    this.#thaw = () => undefined;
  }

  async carryOut<Value>(call: Promise<Value>): Promise<Value> {
    this.#underWay.add(call);
    try {
      return await call;
    } finally {
      this.#underWay.delete(call);
    }
  }

  /** Settles when nothing is under way any more of what was when it was called. */
  async carriedOut(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  /** From now on every call does what it should. */
  heal(): void {
    this.#faults = [];
  }

  /** The oldest process with this id lives, or not; seen from a host. */
  processAt(pid: number, host: number): SimulatedProcess | undefined {
    return this.processes.findLast((one) => one.pid === pid && one.host === host && !one.isDead);
  }

  fateAt(site: string): IoFate | undefined {
    const nth = this.calls.get(site) ?? 0;
    this.calls.set(site, nth + 1);
    this.operations += 1;
    return this.#faults.find((fault) => fault.site === site && fault.nth === nth)?.fate;
  }

  #isRunning(pid: number, host: number): boolean {
    return this.processAt(pid, host) !== undefined;
  }
}

let isInstalled = false;

function install(): void {
  if (isInstalled) return;
  isInstalled = true;
  installCalls();
  installSurroundings();
}
