/** What the main thread and the delivery worker say to each other. Plain data only. */

import type { AuditConfig } from '../config.js';
import type { AuditRecord, AuditService } from '../record.js';
import type { Cursor } from './cursor.js';
import type { DeliveryTiming } from './timing.js';

/** A stream to deliver from. */
export interface StreamSource {
  readonly stream: string;
  readonly directory: string;
  /** Of a living writer: where it publishes how far it has written. Absent: the stream is dead and ends at its last whole line. */
  readonly tip?: SharedArrayBuffer | undefined;
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
  /** Deliver what there is now: no lingering, and no waiting out of a backoff. */
  | { readonly type: 'nudge' }
  /** The journal's answer to `changes`. */
  | { readonly type: 'changes-stored'; readonly isStored: boolean }
  | { readonly type: 'shutdown' };

export type FromWorker =
  | { readonly type: 'created'; readonly exporter: string; readonly fault?: string | undefined }
  | { readonly type: 'progress'; readonly progress: readonly Progress[] }
  | { readonly type: 'warning'; readonly key: string; readonly message: string }
  /** Row changes for the journal; the next come after the answer. */
  | { readonly type: 'changes'; readonly records: readonly AuditRecord[] }
  | { readonly type: 'stopped' };

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
  /** A dead stream is done with. */
  readonly isFinished: boolean;
  /** Since the deliverer started, over all streams. */
  readonly retries: number;
  readonly lastError?: string | undefined;
}
