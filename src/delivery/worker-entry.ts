/** The delivery worker: creates the exporters that are given by name, delivers and relays row changes until it is told to stop. */

import { parentPort, workerData } from 'node:worker_threads';
import { connectToDatabase, createExporterByName } from '../../exporters/index.js';
import { startRelayAgent } from '../changes/relay-agent.js';
import { useJournalKeys } from '../journal/keyring.js';
import { startAgent } from './agent.js';
import type { FromWorker, ToWorker, WorkerStart } from './messages.js';

const port = parentPort;
if (port !== null) {
  const { config, exporters, streams, timing, changes } = workerData as WorkerStart;
  useJournalKeys(config.keys.journal);
  const tell = (message: FromWorker) => port.postMessage(message);
  let answer: (isStored: boolean) => void = () => undefined;
  const agent = startAgent({
    exporters: exporters.map((name) => ({ name, create: () => createExporterByName(name, config) })),
    streams,
    tell,
    timing,
  });
  const relay = startRelayAgent({
    config,
    ...changes,
    connect: connectToDatabase,
    warn: (key, message) => tell({ type: 'warning', key, message }),
    store: (records) =>
      new Promise((resolve) => {
        answer = resolve;
        tell({ type: 'changes', records });
      }),
  });
  // Listening keeps the worker alive; its timers do not.
  port.on('message', (message: ToWorker) => {
    switch (message.type) {
      case 'stream':
        return agent.addStream(message.source);
      case 'ended':
        return agent.endStream(message.stream);
      case 'nudge':
        relay?.nudge();
        return agent.nudge();
      case 'changes-stored':
        return answer(message.isStored);
      case 'shutdown':
        answer(false);
        return void Promise.all([agent.stop(), relay?.stop()]).then(() => tell({ type: 'stopped' }));
    }
  });
}
