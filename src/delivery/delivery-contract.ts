/** What the pipeline may ask of delivery, and what delivery tells the pipeline. */

import type { AuditConfig } from '../config.js';
import type { AuditExporter } from '../exporter.js';
import type { ExporterCounters } from '../health.js';
import type { Journal } from '../journal/journal-contract.js';
import type { StreamManifest } from '../journal/manifest.js';
import type { AuditRecord, AuditService } from '../record.js';
import type { WorkerTiming } from './messages.js';

export interface DeliveryOptions {
  readonly config: AuditConfig;
  readonly journal: Journal;
  /** As given to the journal: streams of dead processes with an equal one are adopted, and with `servesAll` what others leave to it. */
  readonly manifest: StreamManifest;
  /** Exporters that the service made itself; they run on the main thread. */
  readonly exporters?: readonly AuditExporter[];
  /** The environment for the worker's exporters. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** At most one a minute of each kind. */
  readonly onWarning?: (message: string) => void;
  /** A process ended without closing its stream: records behind the last may be missing. */
  readonly onUncleanStream?: (stream: UncleanStream) => void;
  readonly onExported?: ((exporter: string, seconds: number) => void) | undefined;
  /** Of this process, for the records of row changes. */
  readonly service?: AuditService;
  /** Puts the records of row changes into the journal; true once they are on the disk. */
  readonly storeChanges?: (records: readonly AuditRecord[]) => Promise<boolean>;
  /** How often to look for streams of dead processes. Default 30 s. */
  readonly adoptIntervalMs?: number;
  readonly timing?: WorkerTiming;
}

export interface UncleanStream {
  readonly stream: string;
  /** Whose records they are. */
  readonly service: string;
  /** 0: none. */
  readonly lastSeq: number;
  readonly lastTime?: string | undefined;
}

export interface ExporterFault {
  /** As named in the configuration. */
  readonly exporter: string;
  readonly fault: string;
}

export interface FlushResult {
  /** False: the deadline came first. */
  readonly isComplete: boolean;
  readonly counters: Record<string, ExporterCounters>;
}

export interface ShutdownResult extends FlushResult {
  /** Up to which record of the journal every exporter is done. */
  readonly settledSeq: number;
}

export interface Delivery {
  /** The exporters that could not be created at first; they are tried again, and their records wait. */
  readonly ready: Promise<readonly ExporterFault[]>;
  /** Live, by exporter. `undelivered` counts what is in the file, as `journalled` does. */
  counters(): Record<string, ExporterCounters>;
  /**
   * Settles when every exporter is done with all that is journalled now, or at the deadline; where the manifest says
   * `servesAll`, with all there is in the directory. Keeps the process alive meanwhile.
   */
  flush(deadlineMs: number): Promise<FlushResult>;
  /**
   * Flushes, closes the exporters and ends the worker, all within the deadline. Idempotent. Close the journal afterwards
   * with `settledSeq`.
   */
  shutdown(deadlineMs: number): Promise<ShutdownResult>;
}
