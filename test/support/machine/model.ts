/** The simplest model of what must come out of a world, and what is held against it. */

import assert from 'node:assert/strict';
import { readDeadLetters } from '../../../src/delivery/dead-letter.js';
import type { JournalSurvey } from '../../../src/delivery/survey.js';
import { filesBelow } from './disk.js';
import type { SimulatedProcess } from './process.js';
import { type Running, segmentsOf } from './running.js';
import { ABANDONED_MS, type WorldScenario } from './scenario.js';
import type { Sink } from './sink.js';

export class Model {
  readonly all: Running[] = [];
  readonly sinks: readonly Sink[];
  /** Streams and what in them is not to be expected: `stream seq`. */
  readonly exempt = new Set<string>();
  /** How often the end of a stream was told to be unclean. */
  readonly unclean = new Map<string, number>();
  /** They were told to stop, and have warned that they could not note it. */
  readonly unended = new Set<SimulatedProcess>();
  readonly #scenario: WorldScenario;
  #deaths = 0;

  constructor(scenario: WorldScenario, sinks: readonly Sink[]) {
    this.#scenario = scenario;
    this.sinks = sinks;
  }

  get living(): readonly Running[] {
    return this.all.filter(({ process, wasStopped }) => !process.isDead && !wasStopped);
  }

  died(one: Running): void {
    if (one.wasStopped) return;
    this.#deaths += 1;
    one.lastSeq ??= one.journal.tip.writtenSeq;
  }

  /** The equation, and that nothing is called delivered that is not in the sink. */
  checkSurvey({ streams }: JournalSurvey): void {
    for (const { stream, exporters } of streams) {
      const counts = Object.entries(exporters);
      assert.equal(new Set(counts.map(([, { journalled }]) => journalled)).size <= 1, true, `one number of records for all: ${stream}`);
      for (const [name, { journalled, delivered, undelivered, deadLettered }] of counts) {
        const said = `${stream} ${name}: ${journalled} = ${delivered} + ${undelivered} + ${deadLettered}`;
        assert.equal(journalled, delivered + undelivered + deadLettered, said);
        assert.ok(delivered >= 0 && undelivered >= 0 && deadLettered >= 0, said);
        const accepted = this.all.find(({ journal }) => journal.position.stream === stream)?.accepted ?? [];
        const stored = accepted.filter((id) => this.sinks.find((sink) => sink.name === name)?.stored.has(id)).length;
        // Of what was lost before the first record that is left nobody can tell that it was not trimmed.
        const lost = [...this.exempt].filter((place) => place.startsWith(stream)).length;
        assert.ok(delivered <= stored + lost, `${said}, and ${stored} are stored`);
      }
    }
  }

  checkCounters(isAlone: boolean): void {
    for (const { delivery, journal, kind } of this.living) {
      if (this.#scenario.mode === 'left' && kind === 'service') continue;
      const { writtenSeq } = journal.tip;
      for (const [name, counters] of Object.entries(delivery.counters())) {
        const { delivered, undelivered, deadLettered } = counters;
        const said = `${name}: ${delivered} + ${undelivered} + ${deadLettered}, ${writtenSeq} written`;
        assert.ok(delivered >= 0 && undelivered >= 0 && deadLettered >= 0, said);
        assert.ok(delivered + undelivered + deadLettered >= writtenSeq, said);
        if (isAlone) assert.equal(delivered + undelivered + deadLettered, writtenSeq, said);
      }
    }
  }

  /** What must be in a sink, or a dead letter, and is not. */
  missing(): readonly string[] {
    return this.all.flatMap((one) => {
      const { stream } = one.journal.position;
      const until = one.lastSeq ?? one.journal.position.seq;
      return this.sinks.flatMap(({ name, stored, refused }) =>
        one.accepted
          .slice(0, until)
          .flatMap((id, index) =>
            stored.has(id) || refused.has(id) || this.exempt.has(`${stream} ${index + 1}`) ? [] : [`${name}: ${stream} ${index + 1}`],
          ),
      );
    });
  }

  /** Once everything is over. */
  async judge(directory: string): Promise<void> {
    assert.deepEqual(this.missing(), []);
    this.#checkResends();
    this.#checkEnds();
    await this.#checkLetters(directory);
    if (this.#scenario.mode === 'kept') this.#checkTrail();
  }

  #checkEnds(): void {
    // One that looked dead for a while, or whose word the power cut took, may be taken for dead.
    const doubts = this.#scenario.steps.filter(({ do: done }) => done === 'cut' || done === 'freeze' || done === 'jump').length;
    for (const [stream, times] of this.unclean) {
      const one = this.all.find(({ journal }) => journal.position.stream === stream);
      assert.ok(times <= 1 + doubts, `the end of ${stream} is told ${times} times`);
      if (doubts > 0 || one === undefined || this.unended.has(one.process)) continue;
      assert.ok(!one.wasStopped, `${stream} ended cleanly and is said not to`);
    }
  }

  /** A death has each exporter offer a batch of each stream once more, and so does an answer that was lost. */
  #checkResends(): void {
    const { steps, faults, count, calls } = this.#scenario;
    const isStolen = steps.some((step) => step.do === 'freeze' || step.do === 'jump' || step.do === 'cut');
    const isLate = faults.some(
      ({ site, fate }) => fate !== 'delay' && /cursor|atomic-file.*(?:open|write|sync|rename)|dead-letter/.test(site),
    );
    if (isStolen || isLate) return;
    const failures = calls.filter((call) => call !== 'well').length;
    const most = count * (failures + this.#deaths * this.all.length);
    for (const { name, again } of this.sinks) assert.ok(again <= most, `${name} was offered ${again} again, at most ${most} should be`);
  }

  async #checkLetters(directory: string): Promise<void> {
    for (const { name, refused } of this.sinks) {
      const files = filesBelow(directory).filter((path) => path.endsWith(`dead-letter.${name}.ndjson`));
      const letters = (await Promise.all(files.map(readDeadLetters))).flatMap(({ open }) => open.map(({ record }) => record.id));
      const buried = new Set(letters);
      for (const one of this.all) {
        const expected = one.accepted.slice(0, one.lastSeq).filter((id, index) => refused.has(id) && !this.#isExempt(one, index));
        for (const id of expected) assert.ok(buried.has(id), `${id} was refused by ${name} and is no dead letter`);
      }
    }
  }

  #isExempt({ journal }: Running, index: number): boolean {
    return this.exempt.has(`${journal.position.stream} ${index + 1}`);
  }

  /** The trail is the journal: what is in the sinks is in it, unless it is older than it is to be kept. */
  #checkTrail(): void {
    if (this.#scenario.steps.some((step) => step.do === 'jump' && step.ms >= ABANDONED_MS)) return;
    for (const one of this.all) {
      if (one.kind === 'host' || (one.lastSeq ?? 0) === 0) continue;
      const lost = one.accepted.slice(0, one.lastSeq).filter((_, index) => this.#isExempt(one, index)).length;
      if (lost > 0) continue;
      assert.ok(segmentsOf(one.journal.directory).length > 0, `the trail of ${one.journal.position.stream} is gone`);
    }
  }
}
