/** The contract between delivery and a sink. The comments here are the whole agreement. */

import type { JournalledRecord } from './record.js';

/**
 * What became of one record.
 *
 * - `delivered`: the sink has stored it and says so; it will not be offered again.
 * - `retry`: it may be stored later. Offered again after `afterMs`, or after the deliverer's own backoff.
 *   Say `retry` when unsure: a sink must be idempotent by `record.id`. With `afterMs` it speaks of the sink alone;
 *   without, a record that is refused alone again and again while others are taken becomes a dead letter in the end.
 * - `rejected`: it can never be stored as it is. It goes to the dead-letter stream with `reason`. Said of every record of
 *   a batch it may be the fault of one: they are offered again in smaller parts first.
 *
 * `reason` is for an operator. It must hold no value from the record and no credential.
 */
export type Acknowledgement =
  | { readonly status: 'delivered' }
  | { readonly status: 'retry'; readonly reason: string; readonly afterMs?: number }
  | { readonly status: 'rejected'; readonly reason: string };

export interface AuditExporter {
  /** Stable and unique in a process: it names the cursor, the counters and the dead-letter stream. */
  readonly name: string;

  /**
   * Stores a batch, in journal order, and answers one acknowledgement a record, in the same order.
   *
   * - Called with at least one record, and never again before the last call has settled.
   * - The same record may be offered more than once (crash, lost answer): store it once, answer `delivered`.
   * - Records are frozen in meaning: do not change them, do not keep them after settling.
   * - Neither buffer nor retry: delivery does both. Settled means the sink has answered.
   * - `signal` aborts at the deadline (10 s by default). Give up at once; the batch counts as `retry`.
   * - A rejected promise counts as `retry` for the whole batch; so does an array of the wrong length.
   */
  export(records: readonly JournalledRecord[], signal: AbortSignal): Promise<readonly Acknowledgement[]>;

  /** Closes what was opened. Called once, after the last `export` has settled; must settle within 5 s. */
  shutdown(): Promise<void>;
}

/** What a module named in `AUDIT_EXPORTER` exports as `createExporter`. May be asynchronous. */
export type CreateExporter = (options: CustomExporterOptions) => AuditExporter | Promise<AuditExporter>;

export interface CustomExporterOptions {
  /** The service whose records these are. */
  readonly serviceName: string;
  /** What the configuration file says under `exporters.<the name in AUDIT_EXPORTER>`; `{}` by default. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** `delivered` for each of `count` records. */
export function allDelivered(count: number): readonly Acknowledgement[] {
  return Array.from({ length: count }, () => DELIVERED);
}

/** `retry` for each of `count` records. */
export function allRetry(count: number, reason: string, afterMs?: number): readonly Acknowledgement[] {
  const retry: Acknowledgement = afterMs === undefined ? { status: 'retry', reason } : { status: 'retry', reason, afterMs };
  return Array.from({ length: count }, () => retry);
}

const DELIVERED: Acknowledgement = { status: 'delivered' };
