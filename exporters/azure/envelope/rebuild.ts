/** Audit records from the envelopes or query rows they became: the way back, for verifying hashes and moving trails. */

import { ATTRIBUTES, FLAGGED } from '../../../src/attributes.js';
import { EMPTY_MEMBERS, restoreEmptyMembers } from '../../../src/empty-members.js';
import { type AuditRecord, RECORD_KINDS } from '../../../src/record.js';
import { membersOf } from '../../../src/record-attributes.js';
import {
  eventName,
  MAX_PIECES,
  PART_ATTRIBUTE,
  PART_EVENT,
  PART_NUMBER,
  PART_TEXT,
  PARTS,
  pieceName,
  RECORD_ID,
  REFERS_TO,
} from './names.js';

/** As much of an envelope as is read. */
export interface AuditEnvelope {
  readonly data: {
    readonly baseData: { readonly name?: string | undefined; readonly properties?: Readonly<Record<string, string>> | undefined };
  };
}

export interface RebuiltRecords {
  /** One a record id, in order of first appearance. */
  readonly records: readonly AuditRecord[];
  /** Ids of records of which a part event is missing: not rebuilt. */
  readonly incomplete: readonly string[];
}

type Properties = Readonly<Record<string, string>>;

/** Envelopes of other telemetry are passed over; duplicates, as retries leave them, count once. */
export function recordsFromEnvelopes(envelopes: Iterable<AuditEnvelope>): RebuiltRecords {
  const events = new Map<string, Properties>();
  const parts = new Map<string, Map<number, Properties>>();
  for (const { data } of envelopes) {
    const properties = data.baseData.properties ?? {};
    if (data.baseData.name === PART_EVENT) addPart(parts, properties);
    else if (properties[FLAGGED] === 'true' && EVENT_NAMES.has(data.baseData.name)) addEvent(events, properties);
  }
  const records: AuditRecord[] = [];
  const incomplete: string[] = [];
  for (const [id, properties] of events) {
    const own = parts.get(id) ?? new Map<number, Properties>();
    if (own.size < Number(properties[PARTS] ?? 0)) incomplete.push(id);
    else records.push(rebuild(properties, own));
  }
  return { records, incomplete };
}

/** Requests carry the flag too, and are no records: they have no bodies. */
const EVENT_NAMES: ReadonlySet<string | undefined> = new Set(RECORD_KINDS.map(eventName));

function addEvent(events: Map<string, Properties>, properties: Properties): void {
  const id = properties[RECORD_ID];
  if (id !== undefined && !events.has(id)) events.set(id, properties);
}

function addPart(parts: Map<string, Map<number, Properties>>, properties: Properties): void {
  const id = properties[REFERS_TO];
  const number = Number(properties[PART_NUMBER]);
  if (id === undefined || !Number.isInteger(number)) return;
  const own = parts.get(id) ?? new Map<number, Properties>();
  parts.set(id, own.set(number, properties));
}

function rebuild(properties: Properties, parts: ReadonlyMap<number, Properties>): AuditRecord {
  const ordered = [...parts].sort(([a], [b]) => a - b).map(([, part]) => part);
  const texts: Record<string, string> = {};
  for (const { name } of ATTRIBUTES) {
    const own = ordered.filter((part) => part[PART_ATTRIBUTE] === name);
    const pieces = [...piecesOf(properties, name), ...own.flatMap((part) => piecesOf(part, PART_TEXT))];
    if (pieces.length > 0) texts[name] = pieces.join('');
  }
  const record = membersOf(texts);
  restoreEmptyMembers(record as Record<string, unknown>, (properties[EMPTY_MEMBERS] ?? '').split(','));
  return record as AuditRecord;
}

function piecesOf(properties: Properties, name: string): readonly string[] {
  const pieces: string[] = [];
  for (let number = 1; number <= MAX_PIECES; number += 1) {
    const piece = properties[pieceName(name, number)];
    if (piece === undefined) break;
    pieces.push(piece);
  }
  return pieces;
}
