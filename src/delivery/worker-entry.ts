/** The delivery worker: creates the exporters that are given by name and delivers until it is told to stop. */

import { parentPort, workerData } from 'node:worker_threads';
import { createExporterByName } from '../../exporters/index.js';
import { useJournalKeys } from '../journal/keyring.js';
import { startAgent } from './agent.js';
import type { FromWorker, ToWorker, WorkerStart } from './messages.js';

const port = parentPort;
if (port !== null) {
  const { config, exporters, streams, timing } = workerData as WorkerStart;
  useJournalKeys(config.keys.journal);
  const tell = (message: FromWorker) => port.postMessage(message);
  const agent = startAgent({
    exporters: exporters.map((name) => ({ name, create: () => createExporterByName(name, config) })),
    streams,
    tell,
    timing,
  });
  // Listening keeps the worker alive; its timers do not.
  port.on('message', (message: ToWorker) => {
    switch (message.type) {
      case 'stream':
        return agent.addStream(message.source);
      case 'ended':
        return agent.endStream(message.stream);
      case 'nudge':
        return agent.nudge();
      case 'shutdown':
        return void agent.stop().then(() => tell({ type: 'stopped' }));
    }
  });
}
