/** The thread of `module-check.ts`: loads each module, makes no exporter, and tells what went wrong. */

import { workerData } from 'node:worker_threads';
import { loadExporterModule } from '../../exporters/index.js';
import { messageOf } from '../errors.js';
import type { ModuleCheck } from './module-check.js';

void check(workerData as ModuleCheck);

async function check({ modules, port, done }: ModuleCheck): Promise<void> {
  const faults: string[] = [];
  for (const name of modules) {
    try {
      await loadExporterModule(name);
    } catch (error) {
      faults.push(messageOf(error));
    }
  }
  port.postMessage(faults);
  Atomics.store(done, 0, 1);
  Atomics.notify(done, 0);
}
