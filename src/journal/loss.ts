/** The record that says that records are missing, so that a gap in the trail is part of the trail. */

import { v7 as uuidv7 } from 'uuid';
import { type AuditRecord, type AuditService, type JsonObject, SCHEMA_VERSION, SYSTEM } from '../record.js';

export interface Loss {
  /** How many; undefined: nobody can know. */
  readonly count?: number | undefined;
  /** By reason where the count is known, else why records may be missing. */
  readonly reasons: Readonly<Record<string, number | null>>;
  /** The time in which they were lost, in milliseconds since the epoch. */
  readonly sinceMs: number;
  readonly untilMs: number;
  /** The stream they are missing from, if it is not the one this record is in, and the last record known to be in it. */
  readonly stream?: string | undefined;
  readonly lastSeq?: number | undefined;
}

/** Of a stream that was found without an end: what its process had not written yet is missing. */
export function lossOf(
  stream: { readonly stream: string; readonly lastSeq: number; readonly lastTime?: string | undefined },
  untilMs: number,
): Loss {
  const sinceMs = stream.lastTime === undefined ? untilMs : Date.parse(stream.lastTime);
  return { reasons: { process_ended_without_stop: null }, sinceMs, untilMs, stream: stream.stream, lastSeq: stream.lastSeq };
}

export function createLossRecord(loss: Loss, service: AuditService): AuditRecord {
  const metadata: Record<string, JsonObject[string]> = {
    count: loss.count ?? 'unknown',
    reasons: { ...loss.reasons },
    since: new Date(loss.sinceMs).toISOString(),
    until: new Date(loss.untilMs).toISOString(),
  };
  if (loss.stream !== undefined) metadata.stream = loss.stream;
  if (loss.lastSeq !== undefined) metadata.lastSeq = loss.lastSeq;
  return {
    id: uuidv7(),
    schemaVersion: SCHEMA_VERSION,
    kind: 'loss',
    time: new Date(loss.sinceMs).toISOString(),
    observedTime: new Date(loss.untilMs).toISOString(),
    action: 'audit.records_lost',
    outcome: 'unknown',
    actor: SYSTEM,
    service,
    metadata,
  };
}
