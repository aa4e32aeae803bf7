/** Where records go when they leave the recording side: the journal, and behind it the delivery. */

import type { AuditConfig } from './config.js';
import { startDelivery } from './delivery/delivery.js';
import { leaveToOthers } from './delivery/external.js';
import { messageOf } from './errors.js';
import type { AuditExporter } from './exporter.js';
import type { CaptureCounters, ExporterCounters, JournalUse } from './health.js';
import { defaultJournalDirectory, EXTERNAL, fingerprintDestinations } from './journal/destinations.js';
import { createJournal } from './journal/journal.js';
import { useJournalKeys } from './journal/keyring.js';
import { createLossRecord, type Loss, lossOf } from './journal/loss.js';
import { syncWithin } from './journal/sync-within.js';
import type { AuditRecord, AuditService } from './record.js';
import { createWaitingSink } from './waiting-sink.js';

export interface Sink {
  /** The record's hash; undefined if it was dropped. */
  append(record: AuditRecord): string | undefined;
  /** True once everything appended so far is on the disk; false if it is not within `timeoutMs`. */
  sync(timeoutMs: number): Promise<boolean>;
  /** Writes what is pending and ends the stream, synchronously: for the end of the process. */
  closeSync(): void;
  flush(timeoutMs: number): Promise<void>;
  health(): Readonly<Record<string, ExporterCounters>>;
  /** Undefined without a journal. */
  journal(): JournalUse | undefined;
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
  readonly onExported: (exporter: string, seconds: number) => void;
  readonly warn: (message: string) => void;
}

/** Never throws: until the journal can be opened, records wait in memory, warned of, and the service runs. */
export function createSink(options: SinkOptions): Sink {
  const { warn } = options;
  try {
    return openSink(options);
  } catch (error) {
    warn(`records wait in memory, and are dropped, counted, when that is full: ${messageOf(error)}`);
    return createWaitingSink({
      open: () => openSink(options),
      onDropped: (records) => countDropped(options.counters, 'journal_unusable', records),
      onLoss: (loss) => options.onLoss(createLossRecord(loss, options.service)),
      onOpened: () => warn('the journal can be opened now'),
    });
  }
}

/** @throws {AuditError} ERR_AUDIT_JOURNAL while the journal's directory is not fit. */
function openSink(options: SinkOptions): Sink {
  const { config, exporters, counters, warn } = options;
  const objects = exporters.map((exporter) => exporter.name);
  // The service's own objects can be served by nobody else.
  const isExternal = config.delivery.worker === 'external' && exporters.length === 0;
  const manifest = {
    service: config.service.name,
    destinations: isExternal ? EXTERNAL : fingerprintDestinations(config, objects),
    exporters: isExternal ? undefined : [...config.exporters, ...objects],
  };
  const onLoss = (loss: Loss): void => options.onLoss(createLossRecord(loss, options.service));
  const journal = createJournal({
    directory: config.journal.directory ?? defaultJournalDirectory(config, objects),
    manifest,
    maxBytes: config.journal.maxBytes,
    key: useJournalKeys(config.keys.journal),
    write: config.journal.write,
    syncIntervalMs: config.journal.syncIntervalMs,
    syncBytes: config.journal.syncBytes,
    keep: config.exporters.includes('file'),
    trail: config.file,
    stream: options.stream,
    onWritten(records) {
      counters.pending -= records;
      counters.journalled += records;
    },
    onDropped: (reason, records) => countDropped(counters, reason, records),
    onWarning: warn,
    onLoss,
  });
  const delivery = isExternal
    ? leaveToOthers({ journal, onWarning: warn })
    : startDelivery({
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
        onUncleanStream: (stream) => onLoss(lossOf(stream, Date.now())),
        onExported: options.onExported,
      });
  void delivery.ready.then((faults) => {
    for (const { exporter, fault } of faults)
      warn(`the exporter ${exporter} cannot be created yet, its records wait in the journal: ${fault}`);
  });
  return {
    append: (record) => journal.append(record) || undefined,
    sync: (timeoutMs) => syncWithin(journal, timeoutMs),
    closeSync: () => journal.closeSync(),
    flush: (timeoutMs) => delivery.flush(timeoutMs).then(() => undefined),
    health: () => delivery.counters(),
    journal: () => ({ bytes: journal.bytes, maxBytes: config.journal.maxBytes, isWritable: journal.isWritable }),
    async shutdown(timeoutMs) {
      const { settledSeq } = await delivery.shutdown(timeoutMs);
      await journal.close(settledSeq);
    },
  };
}

function countDropped(counters: CaptureCounters, reason: string, records: number): void {
  counters.pending -= records;
  counters.dropped[reason] = (counters.dropped[reason] ?? 0) + records;
}
