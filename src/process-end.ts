/** Delivers what is left when the process ends, without taking part in how it ends. */

import type { Pipeline } from './pipeline.js';

type EndingPipeline = Pick<Pipeline, 'flush' | 'interruptOpen' | 'closeNow' | 'health' | 'stop'>;

const SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP'];

/** Listens for the end of `owner`; every wait is bounded by `timeoutMs`. */
export function followProcessEnd(owner: NodeJS.Process, pipeline: EndingPipeline, timeoutMs: number): void {
  let flushed = -1;
  owner.on('beforeExit', () => {
    pipeline.stop('nothing left to do');
    // Asynchronous work makes Node emit this again; without new records that must be the end of it.
    const { journalled, pending } = pipeline.health().capture;
    if (journalled + pending === flushed) return;
    flushed = journalled + pending;
    void pipeline.flush(timeoutMs);
  });
  // Synchronous and last: what is written to the journal here survives, and is delivered after the next start.
  owner.on('exit', (code) => {
    pipeline.interruptOpen();
    pipeline.stop(`exit ${code}`);
    pipeline.closeNow();
  });
  for (const signal of SIGNALS) followSignal(owner, signal, pipeline, timeoutMs);
}

/**
 * A listener takes away the signal's default effect. So if ours is the only one, it flushes, leaves and sends the signal
 * again; if the service has its own, the service decides how and when to end, and only the delivery starts at once.
 */
function followSignal(owner: NodeJS.Process, signal: NodeJS.Signals, pipeline: EndingPipeline, timeoutMs: number): void {
  const onSignal = (): void => {
    const flushing = pipeline.flush(timeoutMs);
    if (owner.listenerCount(signal) > 1) return;
    const started = performance.now();
    void flushing.then(async () => {
      pipeline.interruptOpen();
      pipeline.stop(signal);
      await pipeline.flush(Math.max(0, timeoutMs - (performance.now() - started)));
      pipeline.closeNow();
      owner.removeListener(signal, onSignal);
      owner.kill(owner.pid, signal);
    });
  };
  // First: a listener that the service gave to `once` is gone by the time it is called, and would not be counted.
  owner.prependListener(signal, onSignal);
}
