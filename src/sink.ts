/** Where records go when they leave the recording side: the journal, and behind it the delivery. */

import type { AuditConfig } from './config.js';
import { startDelivery } from './delivery/delivery.js';
import { messageOf } from './errors.js';
import type { AuditExporter } from './exporter.js';
import type { CaptureCounters, ExporterCounters } from './health.js';
import { defaultJournalDirectory, fingerprintDestinations } from './journal/destinations.js';
import { createJournal } from './journal/journal.js';
import type { Journal } from './journal/journal-contract.js';
import { createLossRecord, type Loss } from './journal/loss.js';
import type { AuditRecord, AuditService } from './record.js';

export interface Sink {
  /** The record's hash; undefined if it was dropped. */
  append(record: AuditRecord): string | undefined;
  /** True once everything appended so far is on the disk. */
  sync(): Promise<boolean>;
  /** Writes what is pending and ends the stream, synchronously: for the end of the process. */
  closeSync(): void;
  flush(timeoutMs: number): Promise<void>;
  health(): Readonly<Record<string, ExporterCounters>>;
  shutdown(timeoutMs: number): Promise<void>;
}

export interface SinkOptions {
  readonly config: AuditConfig;
  readonly service: AuditService;
  /** Name of this thread's journal stream. */
  readonly stream: string;
  readonly exporters: readonly AuditExporter[];
  /** The environment for exporters in the worker. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly counters: CaptureCounters;
  /** Puts the records of row changes where every record goes; false where the journal drops them, and they must come again. */
  readonly onChanges: (records: readonly AuditRecord[]) => boolean;
  /** A record that says that records are missing. */
  readonly onLoss: (record: AuditRecord) => void;
  readonly warn: (message: string) => void;
}

/** Never throws: where the journal cannot be opened, records are dropped, counted and warned of, and the service runs. */
export function createSink(options: SinkOptions): Sink {
  const { config, exporters, counters, warn } = options;
  const objects = exporters.map((exporter) => exporter.name);
  const manifest = { service: config.service.name, destinations: fingerprintDestinations(config, objects) };
  const onLoss = (loss: Loss): void => options.onLoss(createLossRecord(loss, options.service));
  const drop = (reason: string, records: number): void => {
    counters.pending -= records;
    counters.dropped[reason] = (counters.dropped[reason] ?? 0) + records;
  };
  let journal: Journal;
  try {
    journal = createJournal({
      directory: config.journal.directory ?? defaultJournalDirectory(config, objects),
      manifest,
      maxBytes: config.journal.maxBytes,
      write: config.journal.write,
      keep: config.exporters.includes('file'),
      stream: options.stream,
      onWritten(records) {
        counters.pending -= records;
        counters.journalled += records;
      },
      onDropped: drop,
      onWarning: warn,
      onLoss,
    });
  } catch (error) {
    warn(`every record is dropped: ${messageOf(error)}`);
    return droppingSink(() => drop('journal_unusable', 1));
  }
  const delivery = startDelivery({
    config,
    journal,
    manifest,
    exporters,
    env: options.env,
    service: options.service,
    async storeChanges(records) {
      if (!options.onChanges(records)) return false;
      await journal.sync();
      return true;
    },
    onWarning: warn,
    onUncleanStream: ({ stream, lastSeq, lastTime }) => {
      const untilMs = Date.now();
      const sinceMs = lastTime === undefined ? untilMs : Date.parse(lastTime);
      onLoss({ reasons: { process_ended_without_stop: null }, sinceMs, untilMs, stream, lastSeq });
    },
  });
  void delivery.ready.then((faults) => {
    for (const { exporter, fault } of faults)
      warn(`the exporter ${exporter} cannot be created yet, its records wait in the journal: ${fault}`);
  });
  return {
    append: (record) => journal.append(record) || undefined,
    sync: () =>
      journal.sync().then(
        () => true,
        () => false,
      ),
    closeSync: () => journal.closeSync(),
    flush: (timeoutMs) => delivery.flush(timeoutMs).then(() => undefined),
    health: () => delivery.counters(),
    async shutdown(timeoutMs) {
      const { settledSeq } = await delivery.shutdown(timeoutMs);
      await journal.close(settledSeq);
    },
  };
}

function droppingSink(drop: () => void): Sink {
  return {
    append(): undefined {
      drop();
    },
    sync: async () => false,
    closeSync: () => undefined,
    flush: async () => undefined,
    health: () => ({}),
    shutdown: async () => undefined,
  };
}
