/** Counters of one pipeline. The accounting equation of the design holds over them at every instant. */

/**
 * `seen = sum(excluded) + sampledOut + skipped + open + pending + journalled + sum(dropped)`.
 * Manual events, start records and foreign telemetry count as seen when they arrive.
 */
export interface CaptureCounters {
  seen: number;
  /** By the name of the rule that excluded them. */
  readonly excluded: Record<string, number>;
  sampledOut: number;
  /** The service called `skipAudit()`. */
  skipped: number;
  /** Requests that have not closed yet. */
  open: number;
  /** Recorded, not yet in the journal. */
  pending: number;
  journalled: number;
  /** By reason. Each raises a warning. */
  readonly dropped: Record<string, number>;
  /** No part of the equation: responses that left although their record was not durable within the deadline. */
  unconfirmed: number;
  /** No part of the equation: requests answered 503 because their start record was not durable. */
  refused: number;
  /** No part of the equation: records without bodies and names, because their actor's key could not be had. */
  withheld: number;
}

/** `journalled = delivered + undelivered + deadLettered`, per exporter, over the streams it serves. */
export interface ExporterCounters {
  delivered: number;
  undelivered: number;
  deadLettered: number;
  /** Batches that had to be offered again. */
  retries: number;
  /** `open`: it has failed ten times in a row and is only probed, every 5 s. */
  breaker: 'closed' | 'open';
  /** How long the oldest record that was offered in vain has waited; 0 if none waits. */
  oldestUndeliveredAgeMs: number;
  /** Why the last batch failed; cleared by the next success. */
  lastError?: string | undefined;
}

/** `degraded`: nothing is lost, but something is late or nearly full. `failing`: records, or bodies and names in them, are being lost. */
export type HealthStatus = 'healthy' | 'degraded' | 'failing';

export interface HealthVerdict {
  readonly status: HealthStatus;
  /** What is wrong and what to do, one sentence each; empty if healthy. */
  readonly reasons: readonly string[];
}

/** Of row changes. */
export interface ChangeCounters {
  /** Statements of requests that ran without their context, by reason: what they changed names nobody. */
  readonly withoutContext: Record<string, number>;
}

export interface JournalUse {
  /** Of this process's stream. */
  readonly bytes: number;
  readonly maxBytes: number;
  /** False while it cannot be opened or written: records wait in memory. */
  readonly isWritable: boolean;
}

/** For a readiness probe: `status` is `failing` when something is lost. The rest says how many and where. */
export interface AuditHealth extends HealthVerdict {
  readonly capture: Readonly<CaptureCounters>;
  readonly exporters: Readonly<Record<string, Readonly<ExporterCounters>>>;
  /** Undefined before the first record. */
  readonly journal?: JournalUse | undefined;
  /** Absent with `AUDIT_CAPTURE_ORM_DIFFS=false`. */
  readonly changes?: Readonly<ChangeCounters> | undefined;
}

export function createCaptureCounters(): CaptureCounters {
  return {
    seen: 0,
    excluded: {},
    sampledOut: 0,
    skipped: 0,
    open: 0,
    pending: 0,
    journalled: 0,
    dropped: {},
    unconfirmed: 0,
    refused: 0,
    withheld: 0,
  };
}

export function countBy(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

export function totalOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

/** Zero when nothing is lost from sight; anything else is a defect of this package. */
export function imbalanceOf(counters: Readonly<CaptureCounters>): number {
  const accounted =
    totalOf(counters.excluded) +
    counters.sampledOut +
    counters.skipped +
    counters.open +
    counters.pending +
    counters.journalled +
    totalOf(counters.dropped);
  return counters.seen - accounted;
}
