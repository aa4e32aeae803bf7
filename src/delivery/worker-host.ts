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
  /** The worker is gone without having been stopped. */
  readonly onExit: () => void;
  readonly warn: Warn;
}

const RESTART_FIRST_MS = 200;
// For good: a worker that dies at every start costs one start in 30 s, and one that heals delivers again.
const RESTART_MAX_MS = 30_000;
/** A worker that lived so long starts anew with the first delay. */
const STABLE_MS = 60_000;

export interface WorkerHost extends Agent {
  changesStored(isStored: boolean): void;
}

export function startWorkerHost(options: WorkerHostOptions): WorkerHost {
  let worker: Worker | undefined;
  let restart: NodeJS.Timeout | undefined;
  let restartMs = RESTART_FIRST_MS;
  let startedMs = 0;
  let stopping: Promise<void> | undefined;

  const launch = () => {
    startedMs = performance.now();
    try {
      const started = openWorker(options);
      worker = started;
      started.on('exit', () => ended('it ended'));
    } catch (error) {
      ended(error instanceof Error ? error.name : 'unknown');
    }
  };
  const ended = (why: string) => {
    worker = undefined;
    if (stopping !== undefined) return;
    options.onExit();
    options.warn('worker exit', `the delivery worker is gone (${why}); starting it again, records wait in the journal`);
    if (performance.now() - startedMs > STABLE_MS) restartMs = RESTART_FIRST_MS;
    restart = setTimeout(launch, restartMs).unref();
    restartMs = Math.min(2 * restartMs, RESTART_MAX_MS);
  };
  const tell = (message: ToWorker) => worker?.postMessage(message);
  launch();

  return {
    addStream: (source) => tell({ type: 'stream', source }),
    endStream: (stream) => tell({ type: 'ended', stream }),
    nudge: () => tell({ type: 'nudge' }),
    changesStored: (isStored) => tell({ type: 'changes-stored', isStored }),
    stop() {
      clearTimeout(restart);
      stopping ??= worker === undefined ? Promise.resolve() : stopWorker(worker);
      return stopping;
    },
  };
}

function openWorker({ start, streams, env, onMessage, warn }: WorkerHostOptions): Worker {
  const worker = new Worker(join(__dirname, 'worker-entry.js'), {
    // Neither flags nor NODE_OPTIONS: a preload, ours or an APM's, must not run once more in here.
    execArgv: [],
    env: { ...env, NODE_OPTIONS: '', [WORKER_MARKER]: '1' },
    workerData: { ...start, streams: streams() } satisfies WorkerStart,
    name: 'otel-audit',
    // An exporter that eats memory ends the worker, which is started again, and not the service.
    // The young generation is never given back: by default it keeps some 25 MB for good after a burst (test/bench/memory.ts).
    resourceLimits: { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 12 },
  });
  worker.on('message', onMessage);
  // Without a listener the error would be the service's own uncaught exception.
  worker.on('error', (error: unknown) =>
    warn('worker error', `the delivery worker failed (${error instanceof Error ? error.name : 'unknown'})`),
  );
  // After the listeners: each for `message` takes the thread's port as a reason to live again.
  worker.unref();
  return worker;
}

/** Settles when the exporters are closed or the worker is gone. Whoever asks sets the deadline and then leaves it to the process's end. */
async function stopWorker(worker: Worker): Promise<void> {
  const stopped = new Promise<void>((resolve) => {
    worker.on('message', (message: FromWorker) => message.type === 'stopped' && resolve());
    worker.on('exit', () => resolve());
  });
  worker.unref();
  worker.postMessage({ type: 'shutdown' } satisfies ToWorker);
  await stopped;
  await worker.terminate();
}
