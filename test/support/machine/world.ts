/** Several processes that record, deliver, take over and look at one journal, on machines that fail, beside a model of what must come out. */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HostLease, takeHostLease } from '../../../src/delivery/host-lease.js';
import { type JournalSurvey, surveyJournal } from '../../../src/delivery/survey.js';
import { makeRecord } from '../sized-records.js';
import { until } from '../waiting.js';
import { Machine } from './machine.js';
import { Model } from './model.js';
import { openRunning, type Running, segmentsOf } from './running.js';
import { ABANDONED_MS, LEASE_MS, type Step, type WorldScenario } from './scenario.js';
import { Sink } from './sink.js';

/** Of these one or two are in use. */
const NAMES = ['alpha', 'beta'] as const;
const QUIET_MS = 25;
const WAIT_MS = 1100;
const SETTLE_MS = 30_000;
/** Less than a heartbeat: who lives has said so in between. */
const BEAT_MS = 26_000;

/** @throws with what is wrong; answers which calls were disturbed, and which were made. */
export async function playWorld(
  scenario: WorldScenario,
): Promise<{ readonly disturbed: ReadonlySet<string>; readonly met: ReadonlySet<string> }> {
  const root = mkdtempSync(join(tmpdir(), 'otel-audit-machine-'));
  const world = new World(root, scenario);
  world.story.push(JSON.stringify({ ...scenario, steps: undefined }));
  try {
    for (const step of scenario.steps) await world.take(step);
    await world.settle();
    await world.judge();
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${world.story.join('\n')}`, { cause: error });
  } finally {
    await world.end();
    rmSync(root, { recursive: true, force: true, maxRetries: 3 });
  }
  return { disturbed: world.machine.disturbed, met: new Set(world.machine.calls.keys()) };
}

class World {
  readonly machine: Machine;
  /** What happened, for whoever has to understand it. */
  readonly story: string[] = [];
  readonly #scenario: WorldScenario;
  /** Does not exist at first, nor does the one above. */
  readonly #directory: string;
  readonly #names: readonly string[];
  readonly #model: Model;
  #luck = 0;

  constructor(root: string, scenario: WorldScenario) {
    this.#scenario = scenario;
    this.#directory = join(root, 'above', 'journal');
    this.machine = new Machine(root, scenario.faults);
    this.#names = NAMES.slice(0, scenario.exporters);
    const calls = [...scenario.calls];
    this.#model = new Model(
      scenario,
      this.#names.map((name) => new Sink(name, calls, scenario.rejectEvery)),
    );
  }

  async take(step: Step): Promise<void> {
    this.story.push(JSON.stringify(step));
    switch (step.do) {
      case 'start':
        await this.#start(step.kind, step.on, step.reusesPid);
        break;
      case 'append':
        this.#append(this.#choose(step.who), step.count);
        break;
      case 'sync':
        await this.#sync(this.#choose(step.who));
        break;
      case 'kill':
        this.#kill(this.#choose(step.who));
        break;
      case 'exit':
        this.#exit(this.#choose(step.who));
        break;
      case 'stop':
        await this.#stop(this.#choose(step.who));
        break;
      case 'freeze': {
        const chosen = this.#choose(step.who);
        if (chosen !== undefined) this.machine.freeze(chosen.process);
        break;
      }
      case 'thaw':
        this.machine.thaw();
        break;
      case 'lose':
        this.#lose(this.#choose(step.who));
        break;
      case 'spoil':
        this.#spoil(step.who);
        break;
      case 'cut':
        await this.#cutPower();
        break;
      case 'jump':
        await this.#pass(step.ms);
        break;
      case 'wait':
        await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
        break;
      case 'look':
        await this.#look();
        break;
      case 'work':
        await this.#work(step.operations);
        break;
    }
    this.#model.checkCounters(this.machine.processes.length === 1);
  }

  /** Everything is well from now on, and somebody is there to deliver. */
  async settle(): Promise<void> {
    this.story.push('healed');
    this.machine.heal();
    this.machine.thaw();
    for (const sink of this.#model.sinks) sink.heal();
    // Those of other hosts that are dead are known to be; the living have time to say that they live.
    await this.#work(200);
    await this.#pass(LEASE_MS);
    await this.#start('service', 0, false);
    // What a host recorded itself only another host delivers.
    await this.#start('host', 0, false);
    for (const one of this.#model.living) this.machine.run(one.process, () => one.journal.flushSync());
    await until('everything has arrived', () => this.#isSettled(), SETTLE_MS).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${JSON.stringify(this.#model.missing().slice(0, 5))}`);
    });
    for (const one of this.#model.living)
      assert.equal(one.journal.tip.writtenSeq, one.journal.position.seq, 'what was accepted is written');
  }

  async judge(): Promise<void> {
    await this.#drained();
    const services = this.#model.living.filter(({ kind }) => kind === 'service');
    const last = this.#scenario.mode === 'left' ? undefined : services.at(-1);
    for (const one of services) if (one !== last) await this.#stop(one);
    await this.#cleared();
    for (const one of this.#model.living) await this.#stop(one);
    await this.#model.judge(this.#directory);
  }

  async end(): Promise<void> {
    for (const { process } of this.#model.all) this.machine.kill(process);
    await this.machine.disk.closeAll();
  }

  /** A living one, services before hosts. */
  #choose(who: number): Running | undefined {
    const able = [...this.#model.living].sort((a, b) => Number(a.kind === 'host') - Number(b.kind === 'host'));
    return able[who % Math.max(1, able.length)];
  }

  async #start(kind: Running['kind'], on: number, reusesPid: boolean): Promise<void> {
    // Nobody delivers a trail that is kept for others.
    if (kind === 'host' && this.#scenario.mode === 'kept') return;
    const process = this.machine.launch(on, reusesPid);
    let started: Running | undefined;
    let isOver = false;
    const launch = async (): Promise<void> => {
      const lease = kind === 'host' ? await this.#becomeHost() : undefined;
      if (kind === 'host' && lease === undefined) return;
      started = this.#open(process, kind, lease);
      this.#model.all.push(started);
    };
    const over = (): void => {
      isOver = true;
    };
    this.machine.run(process, () => void launch().then(over, over));
    await until('it has started', () => isOver || process.isDead || process.frozen !== undefined);
    // A start that failed, or was not needed, is the end of that process.
    if (started === undefined) this.machine.kill(process);
  }

  async #becomeHost(): Promise<HostLease | undefined> {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    return await takeHostLease(this.#directory);
  }

  #open(process: Running['process'], kind: Running['kind'], lease: HostLease | undefined): Running {
    const one = openRunning({
      process,
      kind,
      lease,
      directory: this.#directory,
      scenario: this.#scenario,
      sinks: this.#model.sinks,
      onWarning: (text) => {
        this.story.push(`  ${process.pid} of ${process.host}: ${text}`);
        if (text.includes('could not be closed')) this.#model.unended.add(process);
      },
      onUncleanStream: (stream) => this.#model.unclean.set(stream, (this.#model.unclean.get(stream) ?? 0) + 1),
    });
    process.onDeath.push(() => this.#model.died(one));
    return one;
  }

  #append(one: Running | undefined, count: number): void {
    if (one === undefined || one.process.frozen !== undefined) return;
    this.machine.run(one.process, () => {
      for (let nth = 0; nth < count && !one.process.isDead; nth += 1) {
        const record = makeRecord();
        if (one.journal.append(record) !== false) one.accepted.push(record.id);
      }
      if (!one.process.isDead) one.journal.flushSync();
    });
  }

  async #sync(one: Running | undefined): Promise<void> {
    if (one === undefined || one.process.frozen !== undefined) return;
    const target = one.journal.position.seq;
    let isOver = false;
    this.machine.run(one.process, () => {
      void one.journal.sync().then(
        () => {
          one.durableSeq = Math.max(one.durableSeq, target);
          isOver = true;
        },
        () => {
          isOver = true;
        },
      );
    });
    await until('it is synced', () => isOver || one.process.isDead);
  }

  #kill(one: Running | undefined): void {
    if (one !== undefined) this.machine.kill(one.process);
  }

  #exit(one: Running | undefined): void {
    if (one === undefined || one.process.frozen !== undefined) return;
    this.machine.run(one.process, () => one.journal.closeSync());
    this.machine.kill(one.process);
  }

  /** As a process ends that is told to. */
  async #stop(one: Running | undefined): Promise<void> {
    if (one === undefined || one.process.frozen !== undefined) return;
    let isOver = false;
    this.machine.run(one.process, () => {
      const ended = async (): Promise<void> => {
        const { settledSeq } = await one.delivery.shutdown(300);
        await one.journal.close(settledSeq);
        await one.lease?.release();
      };
      void ended().finally(() => {
        isOver = true;
      });
    });
    await until('it has stopped', () => isOver || one.process.isDead);
    if (!one.process.isDead) {
      one.lastSeq = one.journal.tip.writtenSeq;
      one.wasStopped = true;
    }
    this.machine.kill(one.process);
  }

  /** Time goes by for all, in steps in which those that run can say that they live; a long time goes by at once. */
  async #pass(ms: number): Promise<void> {
    const steps = ms >= ABANDONED_MS ? 1 : Math.ceil(ms / BEAT_MS);
    for (let nth = 0; nth < steps; nth += 1) {
      this.machine.jump(ms / steps);
      await new Promise((resolve) => setTimeout(resolve, 8));
    }
  }

  /** The writer has it in its hands still and puts it back; only what is killed before that has lost it. */
  #lose(one: Running | undefined): void {
    const names = one === undefined ? [] : segmentsOf(one.journal.directory);
    const last = names.at(-1);
    if (one === undefined || last === undefined || one.process.frozen !== undefined) return;
    const path = join(one.journal.directory, last);
    // Before it has put back the one that was lost last, this is an older one, which it has closed.
    if (sizeOf(one.lostPath ?? path) === 0) return;
    one.lostPath = path;
    const size = sizeOf(path);
    unlinkSync(path);
    one.process.onDeath.push(() => {
      const { stream, seq } = one.journal.position;
      if (sizeOf(path) < size) for (let nth = 1; nth <= seq; nth += 1) this.#model.exempt.add(`${stream} ${nth}`);
    });
  }

  #spoil(who: number): void {
    const one = this.#model.all[who % Math.max(1, this.#model.all.length)];
    const [name] = one === undefined ? [] : segmentsOf(one.journal.directory).filter((each) => each.endsWith('.jsonl'));
    if (one === undefined || name === undefined) return;
    const path = join(one.journal.directory, name);
    const text = readFileSync(path, 'latin1');
    const [line = ''] = text.split('\n');
    const seq = /"seq":(\d+)/.exec(line)?.[1];
    const at = line.indexOf('teapot');
    if (!text.includes('\n') || seq === undefined || at === -1) return;
    writeFileSync(path, `${text.slice(0, at)}T${text.slice(at + 1)}`, 'latin1');
    this.#model.exempt.add(`${one.journal.position.stream} ${seq}`);
  }

  async #cutPower(): Promise<void> {
    for (const { process } of this.#model.all) this.machine.kill(process);
    await this.machine.carriedOut();
    this.machine.disk.cutPower(() => this.#nextLuck());
    for (const one of this.#model.all) one.lastSeq = Math.min(one.lastSeq ?? 0, one.durableSeq);
  }

  #nextLuck(): number {
    this.#luck += 1;
    return this.#scenario.luck[this.#luck % this.#scenario.luck.length] ?? 0.5;
  }

  async #work(operations: number): Promise<void> {
    const target = this.machine.operations + operations;
    let last = { at: performance.now(), operations: this.machine.operations };
    await until('it is quiet', () => {
      this.#nudge();
      if (this.machine.operations !== last.operations) last = { at: performance.now(), operations: this.machine.operations };
      return this.machine.operations >= target || performance.now() - last.at > QUIET_MS || this.#model.living.length === 0;
    });
  }

  #nudge(): void {
    for (const one of this.#model.living) {
      if (one.process.frozen === undefined) this.machine.run(one.process, () => void one.delivery.flush(0).catch(() => undefined));
    }
  }

  async #look(): Promise<void> {
    const watcher = this.machine.launch(0, false);
    let survey: JournalSurvey | undefined;
    let isOver = false;
    this.machine.run(watcher, () => {
      void surveyJournal(this.#directory, this.#names, this.machine.nowMs)
        .then((seen) => {
          survey = seen;
        })
        .finally(() => {
          isOver = true;
        })
        .catch(() => undefined);
    });
    await until('it has looked', () => isOver || watcher.isDead);
    this.machine.kill(watcher);
    if (survey !== undefined) this.#model.checkSurvey(survey);
  }

  #isSettled(): boolean {
    this.#nudge();
    return this.#model.missing().length === 0;
  }

  /** Waits until also the cursors are where they belong. */
  async #drained(): Promise<JournalSurvey> {
    let survey = await surveyJournal(this.#directory, this.#names, this.machine.nowMs);
    const isDrained = async (): Promise<boolean> => {
      this.#nudge();
      survey = await surveyJournal(this.#directory, this.#names, this.machine.nowMs);
      this.#model.checkSurvey(survey);
      return survey.streams.every(({ exporters }) => Object.values(exporters).every(({ undelivered }) => undelivered === 0));
    };
    await until('nothing waits any more', isDrained, SETTLE_MS).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${JSON.stringify(survey.streams.filter(({ state }) => state !== 'complete'))}`);
    });
    return survey;
  }

  /** Waits until those that are done with are complete: deleted, but for what is kept as evidence or as the trail. */
  async #cleared(): Promise<void> {
    const isKept = this.#scenario.mode === 'kept';
    let left: readonly string[] = [];
    const isCleared = async (): Promise<boolean> => {
      this.#nudge();
      const { streams } = await surveyJournal(this.#directory, this.#names, this.machine.nowMs);
      const own = this.#model.living.map(({ journal }) => journal.position.stream);
      const others = streams.filter(({ stream }) => !own.includes(stream));
      left = others
        .filter(({ evidence, directory }) => !isKept && (evidence.length === 0 || segmentsOf(directory).length > 0))
        .map(({ stream }) => stream);
      return left.length === 0;
    };
    await until('what is done with is deleted', isCleared, SETTLE_MS).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${left.join(' ')}`);
    });
  }
}

/** 0 if it is not there. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
