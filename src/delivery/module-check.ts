/** Tries exporter modules before the service starts, in a thread like the one they will run in: nothing of them reaches the main thread. */

import { join } from 'node:path';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { isBuiltIn } from '../../exporters/index.js';
import type { AuditConfig } from '../config.js';
import { moduleUrl } from '../module-url.js';
import { DEFAULT_TIMING } from './timing.js';
import { WORKER_MARKER } from './worker-marker.js';

export interface ModuleCheck {
  readonly modules: readonly string[];
  /** Gets the faults, as an array of strings. */
  readonly port: MessagePort;
  /** Its first element turns 1 when the faults have been sent. */
  readonly done: Int32Array;
}

// As long as any call of an exporter may take. A module is loaded in some 40 ms.
const DEADLINE_MS = DEFAULT_TIMING.exportDeadlineMs;

/** What keeps the modules in `config.exporters` from being loaded. Those that cannot be found are the configuration's own finding. */
export function moduleFaults(config: AuditConfig, env: Readonly<Record<string, string | undefined>>, directory: string): readonly string[] {
  const modules = config.exporters.filter((name) => !isBuiltIn(name) && moduleUrl(name, directory) !== undefined);
  if (modules.length === 0) return [];
  const done = new Int32Array(new SharedArrayBuffer(4));
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(join(__dirname, 'module-check-entry.js'), {
    execArgv: [],
    env: { ...env, NODE_OPTIONS: '', [WORKER_MARKER]: '1' },
    workerData: { modules, port: port2, done } satisfies ModuleCheck,
    transferList: [port2],
    // Not passed on: what a module prints when it is loaded, the delivery worker prints again.
    stdout: true,
    stderr: true,
  });
  worker.on('error', () => {});
  // The start is synchronous: no request may come in before the configuration is known to be right.
  Atomics.wait(done, 0, 0, DEADLINE_MS);
  const answer = receiveMessageOnPort(port1)?.message as readonly string[] | undefined;
  port1.close();
  void worker.terminate();
  return answer ?? [`AUDIT_EXPORTER: loading ${modules.join(', ')} did not end within ${DEADLINE_MS / 1000} s`];
}
