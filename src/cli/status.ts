/** `otel-audit status`: what waits, what has arrived, who lives, and whether anything needs a person. Reads only. */

import { type JournalSurvey, type StreamSurvey, surveyJournal } from '../delivery/survey.js';
import type { HealthVerdict } from '../health.js';

export interface StatusOptions {
  /** The journal directory. */
  readonly directory: string;
  /** As configured, if a configuration is at hand: whose records wait where no exporter has begun. */
  readonly exporters: readonly string[];
  readonly json: boolean;
  readonly write: (text: string) => void;
}

export interface StatusReport extends HealthVerdict, JournalSurvey {}

/** Answers whether nothing is failing. */
export async function runStatus({ directory, exporters, json, write }: StatusOptions): Promise<boolean> {
  const survey = await surveyJournal(directory, exporters, Date.now());
  const report: StatusReport = { ...verdictOf(survey), ...survey };
  write(json ? `${JSON.stringify(report, undefined, 2)}\n` : textOf(report));
  return report.status !== 'failing';
}

/** As in the health of a process: a minute is longer than a failover. */
const LATE_MS = 60_000;

function verdictOf(survey: JournalSurvey): HealthVerdict {
  if (survey.state === 'unsafe' || survey.state === 'unreadable') {
    return { status: 'failing', reasons: [`the directory is ${survey.state}; \`otel-audit doctor\` says more`] };
  }
  const reasons = survey.streams.flatMap((stream) => [...latenessOf(stream), ...unservedness(stream, survey), ...letterReason(stream)]);
  return { status: reasons.length > 0 ? 'degraded' : 'healthy', reasons };
}

function latenessOf({ stream, exporters }: StreamSurvey): readonly string[] {
  return Object.entries(exporters).flatMap(([name, { breaker, undelivered, oldestUndeliveredAgeMs, lastError }]) => {
    if (breaker !== 'open' && oldestUndeliveredAgeMs < LATE_MS) return [];
    const why = lastError === undefined ? '' : ` (${lastError})`;
    return [`${name} is late${why}: ${undelivered} record(s) of ${stream} wait, the oldest for ${seconds(oldestUndeliveredAgeMs)}`];
  });
}

function unservedness(
  { stream, state, isExternal, lastSeq, exporters }: StreamSurvey,
  { isServed, directory }: JournalSurvey,
): readonly string[] {
  const counts = Object.values(exporters);
  // Nobody has ever served it, so nobody knows which exporters there are to be.
  const waits = counts.length === 0 ? lastSeq > 0 : counts.some(({ undelivered }) => undelivered > 0);
  if (!waits || isServed || (state === 'live' && !isExternal) || state === 'complete') return [];
  const help = isExternal ? '' : 'the service, or once ';
  return [`nobody delivers ${stream}; start ${help}\`otel-audit deliver --journal ${directory}\``];
}

function letterReason({ stream, openDeadLetters }: StreamSurvey): readonly string[] {
  if (openDeadLetters === 0) return [];
  return [`${openDeadLetters} dead letter(s) in ${stream}; see \`otel-audit dead-letter list\``];
}

const STATES: Readonly<Record<StreamSurvey['state'], string>> = {
  live: 'its process runs',
  waiting: 'its process is gone',
  complete: 'done, kept for its dead letters or as the trail',
};

function textOf({ status, reasons, directory, state, isServed, bytes, streams }: StatusReport): string {
  const head = [
    `${status}${state === 'absent' ? ': nothing has been recorded yet' : ''}`,
    ...reasons.map((reason) => `  ${reason}`),
    `${directory}: ${megabytes(bytes)}, ${streams.length} stream(s)${isServed ? ', served by otel-audit deliver' : ''}`,
  ];
  return `${[...head, ...streams.flatMap(streamLines)].join('\n')}\n`;
}

function streamLines({ stream, service, state, isExternal, bytes, exporters }: StreamSurvey): readonly string[] {
  const external = isExternal ? ', delivered by others' : '';
  return [`${stream} ${service}: ${STATES[state]}${external}, ${megabytes(bytes)}`, ...Object.entries(exporters).map(exporterLine)];
}

function exporterLine([name, counts]: readonly [string, StreamSurvey['exporters'][string]]): string {
  const { journalled, delivered, undelivered, deadLettered, oldestUndeliveredAgeMs, breaker, lastError } = counts;
  const age = undelivered === 0 ? '' : `, the oldest ${seconds(oldestUndeliveredAgeMs)} old`;
  const trouble = breaker === 'open' ? ', breaker open' : '';
  const error = lastError === undefined ? '' : `, last error: ${lastError}`;
  return `  ${name}: journalled ${journalled} = delivered ${delivered} + undelivered ${undelivered} + dead-lettered ${deadLettered}${age}${trouble}${error}`;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
