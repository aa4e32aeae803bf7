/** One exporter's loop over all its streams: wait, read, offer, settle, wait longer. A slow or dead sink delays nobody but itself. */

import { AuditError, messageOf } from '../errors.js';
import { type Acknowledgement, type AuditExporter, allRetry } from '../exporter.js';
import type { ReadEntry } from '../journal/reader.js';
import type { Warn } from '../journal/warnings.js';
import { exportLines, prepareLines } from '../line-exporter.js';
import { settled, within } from './deadline.js';
import { Lane } from './lane.js';
import type { Progress, StreamSource } from './messages.js';
import { RetryPolicy } from './retry.js';
import { DEFAULT_TIMING, type DeliveryTiming } from './timing.js';

export interface DelivererOptions {
  readonly exporter: string;
  /** Called again after a failure, and after a call that never returned. */
  readonly create: () => Promise<AuditExporter>;
  /** True: `create` gives the service's own object, which cannot be replaced; a call that never returns holds it for ever. */
  readonly isShared?: boolean;
  readonly warn: Warn;
  readonly onProgress: (progress: Progress) => void;
  /** A call has ended, well or not; progress follows. */
  readonly onExported?: (seconds: number) => void;
  /** The first attempt to create the exporter is over; later ones are only warned about. */
  readonly onCreated: (fault?: string) => void;
  readonly timing?: Partial<DeliveryTiming>;
}

const SHUTDOWN_MS = 5000;

export class Deliverer {
  readonly #options: DelivererOptions;
  readonly #timing: DeliveryTiming;
  readonly #retry: RetryPolicy;
  readonly #arrivals: StreamSource[] = [];
  /** Streams whose writers are gone since their lanes were opened. */
  readonly #ended = new Set<string>();
  #lanes: Lane[] = [];
  #exporter: AuditExporter | undefined;
  #running: Promise<void> | undefined;
  #isStopping = false;
  #isHurried = false;
  #wasCreated = false;
  #retries = 0;
  #lastError: string | undefined;
  #skipsPause = false;
  #wake: () => void = () => undefined;
  #abort: AbortController | undefined;

  constructor(options: DelivererOptions) {
    this.#options = options;
    this.#timing = { ...DEFAULT_TIMING, ...options.timing };
    this.#retry = new RetryPolicy(this.#timing.random);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  addStream(source: StreamSource): void {
    this.#arrivals.push(source);
    this.#wake();
  }

  endStream(stream: string): void {
    this.#ended.add(stream);
    this.#wake();
  }

  /** Deliver what there is now: no lingering, and no waiting out of a backoff. */
  nudge(): void {
    this.#isHurried = true;
    this.#skipsPause = true;
    this.#wake();
  }

  /** Gives up the call under way and closes the exporter. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#abort?.abort(new Error('shutting down'));
    this.#wake();
    const running = settled(async () => this.#running);
    const ended = await within(running, SHUTDOWN_MS);
    await Promise.all(this.#lanes.map((lane) => lane.close()));
    const exporter = this.#exporter;
    this.#exporter = undefined;
    // A call that is still out must not see its exporter closed under it.
    if (exporter === undefined || ended === undefined) return;
    const closed = settled(() => exporter.shutdown());
    await within(closed, SHUTDOWN_MS);
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      try {
        if (!(await this.#step())) await this.#pause(this.#timing.pollMs);
      } catch (error) {
        this.#noteFailure(describe(error));
        for (const lane of this.#lanes) this.#report(lane);
        await this.#pause(this.#retry.nextDelayMs(undefined));
      }
    }
  }

  /** One batch; false if there was nothing to do. */
  async #step(): Promise<boolean> {
    await this.#admit();
    const exporter = this.#exporter ?? (await this.#create());
    const lane = this.#lanes.find((candidate) => candidate.isReady(performance.now(), this.#isHurried));
    if (lane === undefined) {
      this.#isHurried = false;
      return false;
    }
    // To the back of the queue: streams take turns.
    this.#lanes = [...this.#lanes.filter((other) => other !== lane), lane];
    const offered = await lane.next(this.#retry.isOpen ? 1 : this.#timing.count);
    if (offered.length > 0) await this.#offer(exporter, lane, offered);
    else this.#report(lane);
    if (lane.isFinished) this.#lanes = this.#lanes.filter((other) => other !== lane);
    return offered.length > 0 || lane.isPolled;
  }

  async #admit(): Promise<void> {
    for (const source of this.#arrivals.splice(0)) {
      const { exporter, warn } = this.#options;
      const opened = await settled(() => Lane.open({ exporter, source, limits: this.#timing, warn, random: this.#timing.random }));
      if ('error' in opened) {
        this.#arrivals.push(source);
        warn('open', `the cursor of ${exporter} in ${source.directory} cannot be read (${describe(opened.error)}); it is tried again`);
        continue;
      }
      this.#lanes.push(opened.value);
      this.#report(opened.value);
    }
    for (const lane of this.#lanes) if (this.#ended.delete(lane.stream)) lane.end();
  }

  async #create(): Promise<AuditExporter> {
    const { create, exporter } = this.#options;
    const outcome = (await within(settled(create), this.#timing.exportDeadlineMs)) ?? {
      error: new AuditError('ERR_AUDIT_EXPORTER', `the exporter ${exporter} was not created in time`),
    };
    if ('error' in outcome) {
      this.#created(describe(outcome.error));
      throw outcome.error;
    }
    this.#exporter = outcome.value;
    this.#created();
    return outcome.value;
  }

  #created(fault?: string): void {
    if (!this.#wasCreated) this.#options.onCreated(fault);
    this.#wasCreated = true;
  }

  async #offer(exporter: AuditExporter, lane: Lane, offered: readonly ReadEntry[]): Promise<void> {
    const exporting = this.#export(exporter, lane, offered);
    lane.readAhead((lines) => prepareLines(exporter, lines));
    const { delivered, rejected, retried, isSplit = false, reason, afterMs } = await lane.settle(await exporting);
    if (delivered + rejected.length > 0 || isSplit) this.#retry.accepted();
    else this.#retry.refused();
    if (retried === 0) this.#lastError = undefined;
    else this.#noteFailure(reason ?? 'no reason given');
    if (retried > 0) this.#retries += 1;
    this.#report(lane);
    if (retried > 0 && !this.#isStopping) await this.#pause(this.#retry.nextDelayMs(afterMs));
  }

  async #export(exporter: AuditExporter, lane: Lane, offered: readonly ReadEntry[]): Promise<readonly Acknowledgement[]> {
    const abort = new AbortController();
    this.#abort = abort;
    const { exportDeadlineMs, graceMs } = this.#timing;
    const deadline = setTimeout(() => {
      const late = `no answer within ${exportDeadlineMs} ms`;
      abort.abort(new Error(late));
      this.#noteFailure(late);
      this.#report(lane);
    }, exportDeadlineMs).unref();
    const lines = offered.map((entry) => entry.line);
    const startedAt = performance.now();
    const call = settled(() => exportLines(exporter, lines, abort.signal));
    const outcome = this.#options.isShared === true ? await call : await within(call, exportDeadlineMs + graceMs);
    clearTimeout(deadline);
    this.#options.onExported?.((performance.now() - startedAt) / 1000);
    this.#abort = undefined;
    if (outcome === undefined) {
      // It may still be at work: never call that one again, make a new one.
      this.#exporter = undefined;
      lane.abandon();
      void call.then(() => settled(() => exporter.shutdown()));
      return allRetry(offered.length, 'the exporter did not return after its deadline');
    }
    return 'value' in outcome ? outcome.value : allRetry(offered.length, describe(outcome.error));
  }

  #noteFailure(reason: string): void {
    this.#lastError = reason;
    this.#options.warn(
      'retry',
      `${this.#options.exporter} did not take records (${reason}); they stay in the journal and are offered again`,
    );
  }

  #report(lane: Lane): void {
    this.#options.onProgress(lane.progress({ retries: this.#retries, isBroken: this.#retry.isOpen, lastError: this.#lastError }));
  }

  /** Ends early when somebody nudges, adds a stream or stops. Never keeps the process alive. */
  #pause(ms: number): Promise<void> {
    const isSkipped = this.#isStopping || this.#skipsPause;
    this.#skipsPause = false;
    if (isSkipped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      this.#wake = () => {
        clearTimeout(timer);
        this.#skipsPause = false;
        resolve();
      };
    });
  }
}

/** Our own messages hold no secrets; anybody else's may, so of those only the kind is said. */
function describe(error: unknown): string {
  if (error instanceof AuditError) return messageOf(error);
  if (!(error instanceof Error)) return 'something that is no Error was thrown';
  const code = (error as NodeJS.ErrnoException).code;
  return code === undefined ? error.name : `${error.name} ${code}`;
}
