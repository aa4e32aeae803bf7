/** Delivery as the pipeline sees it: follows this process's journal and those it adopts, counts, flushes, and ends within a deadline. */

import { dirname } from 'node:path';
import { connectToDatabase, createExporterByName, runsOn } from '../../exporters/index.js';
import { startRelayAgent } from '../changes/relay-agent.js';
import type { ExporterCounters } from '../health.js';
import { type AdoptedStream, Adopter } from '../journal/adoption.js';
import { guard } from '../journal/guard.js';
import type { Journal } from '../journal/journal-contract.js';
import { HEARTBEAT_MS } from '../journal/lease.js';
import { ownIdentity } from '../journal/process-identity.js';
import { limitWarnings, type Warn } from '../journal/warnings.js';
import type { AuditRecord } from '../record.js';
import { type Agent, startAgent } from './agent.js';
import { settled, withinHeld } from './deadline.js';
import type { Delivery, DeliveryOptions, ExporterFault, FlushResult, ShutdownResult, UncleanStream } from './delivery-contract.js';
import { Follower } from './follower.js';
import { Ledger } from './ledger.js';
import type { FromWorker, StreamSource } from './messages.js';
import { createStateWriter, forgetDeliveryState, type StateWriter } from './state-file.js';
import { startWorkerHost, type WorkerHost } from './worker-host.js';

// 20 ms: the least a flush costs; the worker reports promptly after a nudge.
const FLUSH_POLL_MS = 20;
/** Kept back from a shutdown's deadline for closing the exporters. */
const CLOSE_MS = 500;

export function startDelivery(options: DeliveryOptions): Delivery {
  return new ThreadedDelivery(options);
}

class ThreadedDelivery implements Delivery {
  readonly ready: Promise<readonly ExporterFault[]>;
  readonly #journal: Journal;
  readonly #stream: string;
  readonly #options: DeliveryOptions;
  readonly #warn: Warn;
  readonly #onUncleanStream: (stream: UncleanStream) => void;
  readonly #ledger: Ledger;
  readonly #adopter: Adopter;
  readonly #adopted = new Map<string, AdoptedStream>();
  /** Of a process that delivers for a whole host. */
  readonly #follower: Follower | undefined;
  readonly #state: StateWriter;
  readonly #agents: readonly Agent[];
  #workerHost: WorkerHost | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #uncreated: Set<string>;
  readonly #faults: ExporterFault[] = [];
  #becomeReady: (faults: readonly ExporterFault[]) => void = () => undefined;
  #stopping: Promise<ShutdownResult> | undefined;
  #adopting: Promise<void>;

  constructor(options: DeliveryOptions) {
    const { journal, config, exporters = [], manifest } = options;
    this.#options = options;
    this.#journal = journal;
    this.#stream = journal.position.stream;
    this.#onUncleanStream = guard(options.onUncleanStream);
    this.#warn = limitWarnings(options.onWarning, () => performance.now());
    const names = [...config.exporters, ...exporters.map((exporter) => exporter.name)];
    this.#ledger = new Ledger(names);
    this.#uncreated = new Set(names);
    this.ready = new Promise((resolve) => {
      this.#becomeReady = resolve;
    });
    if (names.length === 0) this.#becomeReady([]);
    const directory = dirname(journal.directory);
    const identity = ownIdentity();
    const nowMs = () => Date.now();
    this.#adopter = new Adopter({
      directory,
      ownStream: this.#stream,
      manifest,
      identity,
      keep: journal.keep,
      onNoKey: (stream, keyId) =>
        this.#warn(
          'no key',
          `stream ${stream} waits for the key ${keyId} it is encrypted with; add that key behind the first in AUDIT_JOURNAL_KEY`,
        ),
      nowMs,
    });
    this.#follower = manifest.servesAll === true ? new Follower(directory, identity) : undefined;
    this.#state = createStateWriter(journal.directory);
    this.#agents = this.#startAgents();
    this.#state.note(this.counters());
    this.#adopting = this.#adopt();
    this.#timer = setInterval(() => {
      this.#adopting = this.#adopting.then(() => this.#adopt());
    }, options.adoptIntervalMs ?? HEARTBEAT_MS).unref();
  }

  counters(): Record<string, ExporterCounters> {
    const lastSeqs = new Map([[this.#stream, this.#journal.tip.writtenSeq]]);
    for (const { stream, lastSeq } of this.#others()) lastSeqs.set(stream, lastSeq);
    return this.#ledger.counters(lastSeqs);
  }

  async flush(deadlineMs: number): Promise<FlushResult> {
    const deadline = performance.now() + deadlineMs;
    const target = this.#journal.position.seq;
    this.#journal.flushSync();
    for (const agent of this.#agents) agent.nudge();
    if (this.#follower !== undefined) {
      this.#adopting = this.#adopting.then(() => this.#adopt());
      await withinHeld(this.#adopting, deadlineMs);
    }
    const isComplete = await this.#reach(() => this.#isDoneWith(target), deadline);
    return { isComplete, counters: this.counters() };
  }

  shutdown(deadlineMs: number): Promise<ShutdownResult> {
    this.#stopping ??= this.#shutdown(deadlineMs);
    return this.#stopping;
  }

  #startAgents(): readonly Agent[] {
    const { config, exporters = [], env, timing } = this.#options;
    const inWorker = config.exporters.filter((name) => config.delivery.worker !== 'off' && runsOn(name) === 'worker');
    const here = config.exporters
      .filter((name) => !inWorker.includes(name))
      .map((name) => ({ name, create: () => createExporterByName(name, config), isShared: false }));
    const objects = exporters.map((exporter) => ({ name: exporter.name, create: async () => exporter, isShared: true }));
    const tell = (message: FromWorker) => this.#hear(message);
    const agents: Agent[] = [];
    const { service = config.service, manifest } = this.#options;
    const changes = { service, destination: manifest.destinations };
    if (here.length + objects.length > 0) {
      agents.push(startAgent({ exporters: [...here, ...objects], streams: this.#sources(), tell, timing }));
    }
    if (inWorker.length > 0) {
      const start = { config, exporters: inWorker, timing, changes };
      const onExit = () => {
        for (const name of inWorker) if (this.#uncreated.has(name)) this.#noteCreated(name, 'the delivery worker did not start');
      };
      this.#workerHost = startWorkerHost({ start, streams: () => this.#sources(), env, onMessage: tell, onExit, warn: this.#warn });
      agents.push(this.#workerHost);
    } else {
      const relay = startRelayAgent({
        config,
        ...changes,
        connect: connectToDatabase,
        store: (records) => this.#storeChanges(records),
        warn: this.#warn,
      });
      if (relay !== undefined) agents.push({ ...relay, addStream: () => undefined, endStream: () => undefined });
    }
    return agents;
  }

  #sources(): readonly StreamSource[] {
    const own: StreamSource = { stream: this.#stream, directory: this.#journal.directory, tip: this.#journal.tip.buffer };
    const adopted = [...this.#adopted.values()].map(({ stream, directory, lastSeq }) => ({ stream, directory, lastSeq }));
    const followed = [...(this.#follower?.streams.values() ?? [])].map(({ stream, directory }) => ({ stream, directory, isLive: true }));
    return [own, ...adopted, ...followed];
  }

  #others(): readonly { readonly stream: string; readonly lastSeq: number }[] {
    return [...this.#adopted.values(), ...(this.#follower?.streams.values() ?? [])];
  }

  #hear(message: FromWorker): void {
    switch (message.type) {
      case 'warning':
        this.#warn(message.key, message.message);
        break;
      case 'created':
        this.#noteCreated(message.exporter, message.fault);
        break;
      case 'progress':
        for (const progress of message.progress) this.#ledger.update(progress);
        for (const { exporter, seconds } of message.exports) this.#options.onExported?.(exporter, seconds);
        this.#state.note(this.counters());
        this.#tidy();
        break;
      case 'changes':
        void this.#storeChanges(message.records).then((isStored) => this.#workerHost?.changesStored(isStored));
        break;
      case 'stopped':
        break;
    }
  }

  async #storeChanges(records: readonly AuditRecord[]): Promise<boolean> {
    const outcome = await settled(async () => this.#options.storeChanges?.(records));
    return 'value' in outcome && outcome.value === true;
  }

  #noteCreated(exporter: string, fault: string | undefined): void {
    if (fault !== undefined) this.#faults.push({ exporter, fault });
    if (this.#uncreated.delete(exporter) && this.#uncreated.size === 0) this.#becomeReady(this.#faults);
  }

  /** Deletes what every exporter has passed. */
  #tidy(): void {
    const failed = (): void => this.#warn('trim', 'delivered segments cannot be deleted');
    void this.#journal.trim(this.#ledger.neededSegment(this.#stream)).catch(failed);
    for (const stream of this.#follower?.streams.keys() ?? []) {
      void this.#follower?.trim(stream, this.#ledger.neededSegment(stream)).catch(failed);
    }
    for (const { stream } of [...this.#adopted.values()]) {
      if (!this.#ledger.isFinished(stream)) continue;
      this.#ledger.close(stream);
      this.#adopted.delete(stream);
      void this.#adopter.finish(stream).catch(() => this.#warn('finish', `the delivered stream ${stream} cannot be removed`));
    }
  }

  async #adopt(): Promise<void> {
    await this.#adopter.refresh();
    for (const adopted of await this.#adopter.scan()) {
      const { stream, directory, service, lastSeq, lastTime, wasClean } = adopted;
      this.#adopted.set(stream, adopted);
      void forgetDeliveryState(directory);
      const wasFollowed = this.#follower?.forget(stream) === true;
      for (const agent of this.#agents) {
        if (wasFollowed) agent.endStream(stream);
        else agent.addStream({ stream, directory, lastSeq });
      }
      if (!wasClean) this.#onUncleanStream({ stream, service, lastSeq, lastTime });
    }
    for (const { stream, directory } of (await this.#follower?.scan(this.#adopted)) ?? []) {
      for (const agent of this.#agents) agent.addStream({ stream, directory, isLive: true });
    }
  }

  #isDoneWith(target: number): boolean {
    if (this.#ledger.settledSeq(this.#stream) < target) return false;
    if (this.#follower === undefined) return true;
    return this.#others().every(({ stream, lastSeq }) => this.#ledger.settledSeq(stream) >= lastSeq);
  }

  async #reach(condition: () => boolean, deadline: number): Promise<boolean> {
    while (!condition()) {
      if (performance.now() >= deadline) return false;
      // Not unref'd: this is what keeps the process alive until the records have arrived.
      await new Promise((resolve) => setTimeout(resolve, FLUSH_POLL_MS));
    }
    return true;
  }

  async #shutdown(deadlineMs: number): Promise<ShutdownResult> {
    const deadline = performance.now() + deadlineMs;
    clearInterval(this.#timer);
    const { isComplete } = await this.flush(Math.max(0, deadlineMs - Math.min(CLOSE_MS, deadlineMs / 2)));
    const ended = Promise.all([...this.#agents.map((agent) => agent.stop()), this.#adopting]);
    await withinHeld(ended, Math.max(CLOSE_MS, deadline - performance.now()));
    await Promise.all([this.#adopter.release(), this.#state.close()]);
    return { isComplete, counters: this.counters(), settledSeq: this.#ledger.settledSeq(this.#stream) };
  }
}
