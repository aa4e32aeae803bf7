/** Judges the counters: is the trail healthy, late, or losing records? Says what to do, and never a record's content. */

import { type CaptureCounters, type ExporterCounters, type HealthVerdict, type JournalUse, totalOf } from './health.js';

export interface Symptoms {
  readonly capture?: Readonly<CaptureCounters> | undefined;
  readonly exporters: Readonly<Record<string, Readonly<ExporterCounters>>>;
  readonly journal?: JournalUse | undefined;
}

/** A minute: longer than a failover, shorter than an operator's patience. */
const LATE_MS = 60_000;
/** After a loss, the service is failing for so long, so that a probe every half minute sees it. */
const LOSS_MEMORY_MS = 60_000;
const FULL_SHARE = 0.8;

/** Remembers between two looks how much had been lost. `nowMs` is monotonic. */
export function createHealthJudge(nowMs: () => number): (symptoms: Symptoms) => HealthVerdict {
  const hasDropped = createMemory(nowMs);
  const hasWithheld = createMemory(nowMs);
  return ({ capture, exporters, journal }) => {
    const losses = [
      ...(hasDropped(totalOf(capture?.dropped ?? {})) ? [dropReason(capture)] : []),
      ...(hasWithheld(capture?.withheld ?? 0) ? [withheldReason(capture)] : []),
    ];
    const delays = [
      ...refusal(journal, capture),
      ...Object.entries(exporters).flatMap(([name, state]) => delayOf(name, state)),
      ...fullness(journal),
    ];
    const status = losses.length > 0 ? 'failing' : delays.length > 0 ? 'degraded' : 'healthy';
    return { status, reasons: [...losses, ...delays] };
  };
}

/** Whether a counter has grown, as far as this was asked, within the time that a loss is remembered. */
function createMemory(nowMs: () => number): (count: number) => boolean {
  let known = 0;
  let grownAtMs = Number.NEGATIVE_INFINITY;
  return (count) => {
    if (count > known) grownAtMs = nowMs();
    known = count;
    return nowMs() - grownAtMs < LOSS_MEMORY_MS;
  };
}

function dropReason(capture: Readonly<CaptureCounters> | undefined): string {
  const reasons = Object.entries(capture?.dropped ?? {}).map(([reason, count]) => `${reason} ${count}`);
  return `records were dropped within the last minute (in all: ${reasons.join(', ')}); free or enlarge the journal's disk, see the warnings`;
}

function withheldReason(capture: Readonly<CaptureCounters> | undefined): string {
  return `bodies and names were left out of records within the last minute, for want of a key (in all: ${capture?.withheld}); see to the directory in AUDIT_SUBJECT_KEYS`;
}

function refusal(journal: JournalUse | undefined, capture: Readonly<CaptureCounters> | undefined): readonly string[] {
  if (journal === undefined || journal.isWritable) return [];
  return [
    `the journal cannot be written; ${capture?.pending ?? 0} record(s) wait in memory and are dropped when that is full; see the warnings`,
  ];
}

function delayOf(name: string, { breaker, oldestUndeliveredAgeMs, undelivered, lastError }: Readonly<ExporterCounters>): readonly string[] {
  if (breaker === 'closed' && oldestUndeliveredAgeMs < LATE_MS) return [];
  const waits = `${undelivered} record(s) wait in the journal, the oldest for ${Math.round(oldestUndeliveredAgeMs / 1000)} s`;
  return [`${name} takes no records (${lastError ?? 'no error given'}); ${waits}`];
}

function fullness(journal: JournalUse | undefined): readonly string[] {
  if (journal === undefined || journal.bytes < FULL_SHARE * journal.maxBytes) return [];
  const percent = Math.round((100 * journal.bytes) / journal.maxBytes);
  return [`the journal is ${percent} % full; bring the exporters back or raise AUDIT_JOURNAL_MAX_BYTES before records are dropped`];
}
