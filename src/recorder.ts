/** What becomes of a finished record: encrypted by person, counted, routed once, journalled; and what the trail says of its own life. */

import type { AuditConfig } from './config.js';
import { messageOf } from './errors.js';
import type { CaptureCounters } from './health.js';
import { type CheckpointerParts, createCheckpointer } from './integrity/checkpointer.js';
import { accountOf, createLifecycle, createLifecycleRecord, type Lifecycle } from './lifecycle.js';
import type { AuditRecord, AuditService, JsonObject } from './record.js';
import type { Sink } from './sink.js';
import { createSealing } from './subjects/sealing.js';
import { createRouting, type Routing } from './telemetry/routing.js';

export interface RecorderParts {
  readonly service: AuditService;
  /** Opens journal and delivery; called once, with the first record or when a server listens. */
  readonly createSink: (
    counters: CaptureCounters,
    onLoss: (record: AuditRecord) => void,
    onChanges: (records: readonly AuditRecord[]) => boolean,
  ) => Sink;
  readonly warn: (message: string) => void;
  /** What the first record of the trail says of this process; without it there are no lifecycle records. */
  readonly start?: JsonObject | undefined;
  /** Without it nothing is signed. */
  readonly checkpoints?: Omit<CheckpointerParts, 'record'> | undefined;
}

export interface RecorderState {
  readonly counters: CaptureCounters;
  readonly policyHash: () => string;
  readonly onOpen: () => void;
}

export interface Recorder {
  /** Each record passes once, before a span, the log record or the journal sees it. */
  seal(record: AuditRecord): AuditRecord;
  /** For a record that capture has not counted. */
  countIn(record: AuditRecord): AuditRecord;
  readonly routing: Routing;
  /** Opens journal and delivery, if they are not open. */
  open(): Sink;
  /** Undefined until it is opened. */
  sink(): Sink | undefined;
  /** The hash of the record that `work` brings into the journal; undefined if it brings none. */
  hashAfter(work: () => void): string | undefined;
  readonly lifecycle: Lifecycle | undefined;
  /** Says in the trail that it ends here. */
  stop(reason: string): void;
  /** Nothing is said any more of its own life. */
  end(): void;
}

export function createRecorder({ keys, lifecycle: { heartbeatMs } }: AuditConfig, parts: RecorderParts, state: RecorderState): Recorder {
  const { service, warn } = parts;
  const { counters, policyHash, onOpen } = state;
  const seal = createSeal(keys.subjects, counters, warn);
  let sink: Sink | undefined;
  /** Of the record accepted last: known as soon as the journal has it. */
  let hash: string | undefined;

  const open = (): Sink => {
    if (sink !== undefined) return sink;
    onOpen();
    sink = parts.createSink(
      counters,
      (loss) => accept(countIn(loss)),
      (changes) => {
        for (const change of changes) {
          accept(countIn(seal(change)));
          if (hash === undefined) return false;
        }
        return true;
      },
    );
    lifecycle?.start();
    checkpointer?.start();
    return sink;
  };
  const accept = (record: AuditRecord): void => {
    hash = open().append(record);
    if (hash !== undefined) checkpointer?.appended(hash);
    lifecycle?.noticed(record);
  };
  const routing = createRouting(accept);
  const countIn = (record: AuditRecord): AuditRecord => {
    counters.seen += 1;
    counters.pending += 1;
    return record;
  };

  const lifecycle =
    parts.start &&
    createLifecycle({
      service,
      start: parts.start,
      heartbeatMs,
      policyHash,
      account: () => accountOf(counters, sink?.health() ?? {}),
      isOpen: () => sink !== undefined,
      record: (record) => routing.route(countIn(record)),
    });
  const checkpointer =
    parts.checkpoints &&
    createCheckpointer({
      ...parts.checkpoints,
      record: (metadata) => routing.route(countIn(createLifecycleRecord('audit.checkpoint', metadata, service))),
    });

  return {
    seal,
    countIn,
    routing,
    open,
    sink: () => sink,
    hashAfter(work) {
      hash = undefined;
      work();
      return hash;
    },
    lifecycle,
    stop(reason) {
      lifecycle?.stop(reason);
      checkpointer?.seal();
    },
    end() {
      lifecycle?.end();
      checkpointer?.end();
    },
  };
}

function createSeal(directory: string | undefined, counters: CaptureCounters, warn: (message: string) => void): Recorder['seal'] {
  if (directory === undefined) return (record) => record;
  let isWithholding = false;
  return createSealing(directory, (error) => {
    counters.withheld += 1;
    if (!isWithholding) warn(`bodies and names are left out of records, counted, without a key for them: ${messageOf(error)}`);
    isWithholding = true;
  });
}
