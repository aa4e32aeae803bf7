/** What the main thread and the delivery worker say to each other. Plain data only. */

import type { AuditConfig } from '../config.js';
import type { AuditRecord, AuditService } from '../record.js';
import type { Cursor } from './cursor.js';
import type { DeliveryTiming } from './timing.js';

/** A stream to deliver from. */
export interface StreamSource {
  readonly stream: string;
  readonly directory: string;
  /** Of this process's own writer: where it publishes how far it has written. */
  readonly tip?: SharedArrayBuffer | undefined;
  /** True: another process still writes it. Neither: the stream is dead and ends at its last whole line. */
  readonly isLive?: boolean | undefined;
  /** Of a dead one: how many records it had. Those that are not there are missing. */
  readonly lastSeq?: number | undefined;
}

export interface WorkerStart {
  readonly config: AuditConfig;
  readonly exporters: readonly string[];
  readonly streams: readonly StreamSource[];
  readonly timing?: WorkerTiming | undefined;
  readonly changes: ChangesStart;
}

/** What the relay of row changes has to know. */
export interface ChangesStart {
  readonly service: AuditService;
  readonly destination: string;
}

/** What of the timing can be cloned into the worker. */
export type WorkerTiming = Partial<Omit<DeliveryTiming, 'random'>>;

export type ToWorker =
  | { readonly type: 'stream'; readonly source: StreamSource }
  /** The other process that wrote it is gone: it ends at its last whole line. */
  | { readonly type: 'ended'; readonly stream: string }
  /** Deliver what there is now: no lingering, and no waiting out of a backoff. */
  | { readonly type: 'nudge' }
  /** The journal's answer to `changes`. */
  | { readonly type: 'changes-stored'; readonly isStored: boolean }
  | { readonly type: 'shutdown' };

export type FromWorker =
  | { readonly type: 'created'; readonly exporter: string; readonly fault?: string | undefined }
  | { readonly type: 'progress'; readonly progress: readonly Progress[]; readonly exports: readonly ExportTime[] }
  | { readonly type: 'warning'; readonly key: string; readonly message: string }
  /** Row changes for the journal; the next come after the answer. */
  | { readonly type: 'changes'; readonly records: readonly AuditRecord[] }
  | { readonly type: 'stopped' };

/** How long a call of an exporter took, its sink's answer included. */
export interface ExportTime {
  readonly exporter: string;
  readonly seconds: number;
}

/** Where one exporter is in one stream. */
export interface Progress {
  readonly exporter: string;
  readonly stream: string;
  /** Where it began in this process; what lies before was another process's work. */
  readonly start: Cursor;
  readonly cursor: Cursor;
  /** The segment of the newest cursor that is on the disk: those before it may be deleted. */
  readonly syncedSegment: number;
  /** Settled beyond the cursor. */
  readonly ahead: { readonly delivered: number; readonly deadLettered: number };
  /** When the oldest record that was offered and is not settled was recorded (RFC 3339). */
  readonly oldestTime?: string | undefined;
  /** A dead stream is done with. */
  readonly isFinished: boolean;
  /** Since the deliverer started, over all streams. */
  readonly retries: number;
  /** The exporter's breaker is open: it fails again and again and is only probed. */
  readonly isBroken: boolean;
  readonly lastError?: string | undefined;
}
