/** Looks at a journal directory from outside, exporter by exporter: reads only, takes no lease, and may run beside everything. */

import { readdir } from 'node:fs/promises';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { ifThere } from '../journal/atomic-file.js';
import { EXTERNAL } from '../journal/destinations.js';
import { inspectJournal, type JournalInspection, type StreamInspection } from '../journal/inspect.js';
import { readManifest, type StreamManifest } from '../journal/manifest.js';
import { JournalReader } from '../journal/reader.js';
import { FIRST_CURSOR, type NamedCursor, readCursors } from './cursor.js';
import { isDeadLetterFile, readDeadLetters } from './dead-letter.js';
import { isServed } from './host-lease.js';
import { type DeliveryState, readDeliveryState } from './state-file.js';

/** `journalled = delivered + undelivered + deadLettered`. */
export interface ExporterSurvey {
  /** The same for every exporter of the stream. */
  readonly journalled: number;
  readonly delivered: number;
  readonly undelivered: number;
  /** Rejected, damaged and missing records; those that were delivered after all are not counted. */
  readonly deadLettered: number;
  /** How long ago the oldest undelivered record was recorded; 0 if there is none. */
  readonly oldestUndeliveredAgeMs: number;
  /** `unknown`: no living process serves the stream. */
  readonly breaker: 'closed' | 'open' | 'unknown';
  readonly lastError?: string | undefined;
}

export interface StreamSurvey extends StreamInspection {
  /** True: its process leaves delivery to `otel-audit deliver`. */
  readonly isExternal: boolean;
  readonly exporters: Readonly<Record<string, ExporterSurvey>>;
  /** Dead letters nobody has decided about. */
  readonly openDeadLetters: number;
}

export interface JournalSurvey extends Omit<JournalInspection, 'streams'> {
  /** Some process delivers what others leave to it. */
  readonly isServed: boolean;
  readonly bytes: number;
  readonly streams: readonly StreamSurvey[];
}

/** `exporters`: whose records wait in a stream that does not say so itself. A stream that is there and cannot be read makes all `unreadable`. */
export async function surveyJournal(directory: string, exporters: readonly string[], nowMs: number): Promise<JournalSurvey> {
  const inspection = await inspectJournal(directory);
  try {
    const streams = await surveyStreams(inspection, exporters, nowMs);
    const bytes = streams.reduce((total, stream) => total + stream.bytes, 0);
    return { ...inspection, isServed: await isServed(directory), bytes, streams };
  } catch {
    return { ...inspection, state: 'unreadable', isServed: false, bytes: 0, streams: [] };
  }
}

async function surveyStreams(inspection: JournalInspection, exporters: readonly string[], nowMs: number): Promise<readonly StreamSurvey[]> {
  const told: ToldStream[] = [];
  for (const stream of inspection.streams) {
    const manifest = await readManifest(stream.directory);
    const state = stream.state === 'live' ? await readDeliveryState(stream.directory).catch(() => undefined) : undefined;
    // A stream may be removed while it is looked at.
    if (manifest !== undefined) told.push({ stream, manifest, state });
  }
  // The newest: an older one is gone, and its own stream was taken over.
  const host = told.findLast(({ stream, manifest }) => stream.state === 'live' && manifest.servesAll === true);
  const streams: StreamSurvey[] = [];
  for (const one of told) {
    const looked = { ...one, state: one.state ?? stateOfDeliverer(one, told) };
    const survey = await ifThere(surveyStream(looked, host, exporters, nowMs));
    if (survey !== undefined) streams.push(survey);
  }
  return streams;
}

/** What a stream says of itself. */
interface ToldStream {
  readonly stream: StreamInspection;
  readonly manifest: StreamManifest;
  /** Of the process that delivers it, if one lives. */
  readonly state: DeliveryState | undefined;
}

/** A stream that was taken over has none of its own: what holds is what those say who deliver to the same destinations. */
function stateOfDeliverer({ stream, manifest }: ToldStream, told: readonly ToldStream[]): DeliveryState | undefined {
  const isExternal = manifest.destinations === EXTERNAL;
  if (stream.state !== 'live' && !isExternal) return undefined;
  return told.find(({ manifest: { destinations, service, servesAll }, state }) => {
    if (state === undefined) return false;
    return isExternal ? servesAll === true : destinations === manifest.destinations && (servesAll === true || service === manifest.service);
  })?.state;
}

async function surveyStream(
  { stream, manifest, state }: ToldStream,
  host: ToldStream | undefined,
  fallback: readonly string[],
  nowMs: number,
): Promise<StreamSurvey> {
  const names = await readdir(stream.directory);
  const cursors = await readCursors(stream.directory);
  const letters = await countLetters(stream.directory, names);
  const isExternal = manifest.destinations === EXTERNAL;
  // The manifest is there before anything else, and the cursors only once there was something to deliver.
  const expected = isExternal ? host?.manifest.exporters : manifest.exporters;
  const known = new Set([...(expected ?? []), ...Object.keys(state?.exporters ?? {}), ...cursors.keys(), ...letters.keys()]);
  // A damaged last line is one more than the last whole record, and what was read first may have been overtaken.
  const journalled = Math.max(stream.lastSeq, ...[...cursors.values()].map(({ seq }) => seq));
  const exporters: Record<string, ExporterSurvey> = {};
  for (const name of known.size > 0 ? known : fallback) {
    const { breaker = 'unknown', lastError } = state?.exporters[name] ?? {};
    const place = { directory: stream.directory, journalled, cursor: cursors.get(name), redelivered: letters.get(name)?.redelivered ?? 0 };
    exporters[name] = { ...(await countsOf(place, nowMs)), breaker, lastError };
  }
  const openDeadLetters = [...letters.values()].reduce((total, { open }) => total + open, 0);
  return { ...stream, isExternal, exporters, openDeadLetters };
}

interface LetterCounts {
  open: number;
  redelivered: number;
}

async function countLetters(directory: string, names: readonly string[]): Promise<ReadonlyMap<string, LetterCounts>> {
  const counts = new Map<string, LetterCounts>();
  for (const name of names.filter(isDeadLetterFile)) {
    const { exporter, open, decisions } = await readDeadLetters(join(directory, name));
    const redelivered = new Set(decisions.filter(({ decision }) => decision === 'delivered').map(({ id }) => id)).size;
    if (exporter !== undefined) counts.set(exporter, { open: open.length, redelivered });
  }
  return counts;
}

type Counts = Omit<ExporterSurvey, 'breaker' | 'lastError'>;

interface ExporterPlace {
  readonly directory: string;
  readonly journalled: number;
  readonly cursor: NamedCursor | undefined;
  /** Dead letters that were delivered after all. */
  readonly redelivered: number;
}

async function countsOf({ directory, journalled, cursor, redelivered }: ExporterPlace, nowMs: number): Promise<Counts> {
  const { seq, deadLettered: notDelivered } = cursor ?? FIRST_CURSOR;
  const deadLettered = Math.max(0, notDelivered - redelivered);
  const undelivered = journalled - seq;
  const oldestUndeliveredAgeMs = undelivered === 0 ? 0 : await ageOf(directory, cursor, nowMs);
  return { journalled, delivered: seq - deadLettered, undelivered, deadLettered, oldestUndeliveredAgeMs };
}

async function ageOf(directory: string, cursor: NamedCursor | undefined, nowMs: number): Promise<number> {
  // Whoever delivers sets damage aside; who only looks leaves no trace.
  const reader = new JournalReader({ directory, quarantineFile: devNull, onDamage: () => undefined });
  try {
    const { entries } = await reader.read(cursor ?? FIRST_CURSOR, 1, 1);
    const time = entries[0]?.line.record.observedTime;
    return time === undefined ? 0 : Math.max(0, nowMs - Date.parse(time));
  } finally {
    await reader.close();
  }
}
