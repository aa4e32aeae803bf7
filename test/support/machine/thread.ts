/** Plays worlds in a thread of its own: what a machine replaces is this thread's, and the marker of the delivery worker is in its environment. */

import { parentPort, workerData } from 'node:worker_threads';
import { type Disturbance, playEveryCall, playRandomWorlds } from './plan.js';

export interface ThreadPlan {
  readonly wanted: readonly Disturbance[];
  readonly runs: number;
  readonly seed: number | undefined;
}

export interface ThreadReport {
  readonly worlds: number;
  readonly happened: readonly Disturbance[];
}

async function play({ wanted, runs, seed }: ThreadPlan): Promise<ThreadReport> {
  const every = await playEveryCall(wanted);
  const random = await playRandomWorlds(runs, seed);
  return { worlds: every.worlds + runs, happened: [...every.happened, ...random] };
}

void play(workerData as ThreadPlan).then((report) => parentPort?.postMessage(report));
