/** The deliverers of one thread, and what they report, bundled so that a busy stream is a few messages a second. */

import type { AuditExporter } from '../exporter.js';
import type { Warn } from '../journal/warnings.js';
import { Deliverer } from './deliverer.js';
import type { ExportTime, FromWorker, Progress, StreamSource } from './messages.js';
import type { DeliveryTiming } from './timing.js';

export interface AgentExporter {
  readonly name: string;
  readonly create: () => Promise<AuditExporter>;
  readonly isShared?: boolean;
}

export interface Agent {
  addStream(source: StreamSource): void;
  /** The other process that wrote the stream is gone. */
  endStream(stream: string): void;
  nudge(): void;
  /** Idempotent. */
  stop(): Promise<void>;
}

export interface AgentOptions {
  readonly exporters: readonly AgentExporter[];
  readonly streams: readonly StreamSource[];
  readonly tell: (message: FromWorker) => void;
  readonly timing?: Partial<DeliveryTiming> | undefined;
}

const REPORT_MS = 250;
/** After a nudge somebody waits for the counters: no bundling for this long. */
const PROMPT_MS = 10_000;

export function startAgent({ exporters, streams, tell, timing }: AgentOptions): Agent {
  const warn: Warn = (key, message) => tell({ type: 'warning', key, message });
  const reports = bundleReports((progress, exports) => tell({ type: 'progress', progress, exports }));
  const deliverers = exporters.map(
    ({ name, create, isShared = false }) =>
      new Deliverer({
        exporter: name,
        create,
        isShared,
        warn: (key, message) => warn(`${name} ${key}`, message),
        onProgress: reports.add,
        onExported: (seconds) => reports.addExport({ exporter: name, seconds }),
        onCreated: (fault) => tell({ type: 'created', exporter: name, fault }),
        timing: timing ?? {},
      }),
  );
  for (const deliverer of deliverers) {
    for (const source of streams) deliverer.addStream(source);
    deliverer.start();
  }
  let stopping: Promise<unknown> | undefined;
  return {
    addStream(source) {
      for (const deliverer of deliverers) deliverer.addStream(source);
    },
    endStream(stream) {
      for (const deliverer of deliverers) deliverer.endStream(stream);
    },
    nudge() {
      reports.hurry();
      for (const deliverer of deliverers) deliverer.nudge();
    },
    async stop() {
      stopping ??= Promise.all(deliverers.map((deliverer) => deliverer.stop()));
      await stopping;
      reports.send();
    },
  };
}

function bundleReports(tell: (progress: readonly Progress[], exports: readonly ExportTime[]) => void) {
  const waiting = new Map<string, Progress>();
  let exports: ExportTime[] = [];
  let timer: NodeJS.Timeout | undefined;
  let promptUntilMs = 0;
  const send = () => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.size === 0) return;
    const progress = [...waiting.values()];
    waiting.clear();
    tell(progress, exports);
    exports = [];
  };
  return {
    send,
    add(progress: Progress) {
      waiting.set(JSON.stringify([progress.exporter, progress.stream]), progress);
      if (performance.now() < promptUntilMs) return send();
      timer ??= setTimeout(send, REPORT_MS).unref();
    },
    /** Goes with the progress that always follows. */
    addExport(time: ExportTime) {
      exports.push(time);
    },
    hurry() {
      promptUntilMs = performance.now() + PROMPT_MS;
      send();
    },
  };
}
