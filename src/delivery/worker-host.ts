/** The main thread's end of the delivery worker: starts it, and starts it again when it dies. Records wait in the journal meanwhile. */

import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Warn } from '../journal/warnings.js';
import type { Agent } from './agent.js';
import type { FromWorker, StreamSource, ToWorker, WorkerStart } from './messages.js';
import { WORKER_MARKER } from './worker-marker.js';

export interface WorkerHostOptions {
  readonly start: Omit<WorkerStart, 'streams'>;
  /** The streams to serve, asked for at every start. */
  readonly streams: () => readonly StreamSource[];
  /** The environment the exporters see. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onMessage: (message: FromWorker) => void;
  readonly warn: Warn;
}

const RESTART_FIRST_MS = 200;
// For good: a worker that dies at every start costs one start in 30 s, and one that heals delivers again.
const RESTART_MAX_MS = 30_000;
/** A worker that lived so long starts anew with the first delay. */
const STABLE_MS = 60_000;

export function startWorkerHost(options: WorkerHostOptions): Agent & { readonly threadId: () => number | undefined } {
  let worker: Worker | undefined;
  let restartMs = RESTART_FIRST_MS;
  let restart: NodeJS.Timeout | undefined;
  let stopping: Promise<void> | undefined;
  let startedMs = 0;

  const launch = () => {
    startedMs = performance.now();
    const started = new Worker(join(__dirname, 'worker-entry.js'), {
      // Neither flags nor NODE_OPTIONS: a preload, ours or an APM's, must not run once more in here.
      execArgv: [],
      env: { ...options.env, NODE_OPTIONS: '', [WORKER_MARKER]: '1' },
      workerData: { ...options.start, streams: options.streams() } satisfies WorkerStart,
      name: 'otel-audit',
      // An exporter that eats memory ends the worker, which is started again, and not the service.
      resourceLimits: { maxOldGenerationSizeMb: 256 },
    });
    worker = started;
    started.unref();
    started.on('message', options.onMessage);
    started.on('error', (error: unknown) =>
      options.warn(
        'worker',
        `the delivery worker failed (${error instanceof Error ? error.name : 'unknown'}); starting it again, records wait in the journal`,
      ),
    );
    started.on('exit', () => {
      if (worker === started) worker = undefined;
      if (stopping !== undefined) return;
      if (performance.now() - startedMs > STABLE_MS) restartMs = RESTART_FIRST_MS;
      options.warn('worker exit', 'the delivery worker ended; starting it again, records wait in the journal');
      restart = setTimeout(launch, restartMs).unref();
      restartMs = Math.min(2 * restartMs, RESTART_MAX_MS);
    });
  };
  const tell = (message: ToWorker) => worker?.postMessage(message);
  launch();

  return {
    threadId: () => worker?.threadId,
    addStream: (source) => tell({ type: 'stream', source }),
    nudge: () => tell({ type: 'nudge' }),
    stop() {
      clearTimeout(restart);
      stopping ??= worker === undefined ? Promise.resolve() : stopWorker(worker);
      return stopping;
    },
  };
}

/** Settles when the exporters are closed or the worker is gone. Whoever asks sets the deadline and then leaves it to the process's end. */
async function stopWorker(worker: Worker): Promise<void> {
  const stopped = new Promise<void>((resolve) => {
    worker.on('message', (message: FromWorker) => message.type === 'stopped' && resolve());
    worker.on('exit', () => resolve());
  });
  worker.postMessage({ type: 'shutdown' } satisfies ToWorker);
  await stopped;
  await worker.terminate();
}
