/** The bounds of a record's `changes`: long values are cut, and of too many the rest is counted. */

import type { JsonObject, JsonValue } from './record.js';

const VALUE_CHARS = 1024;
// As much as metadata: with bodies at their default cap a record still fits one Application Insights item.
const CHANGES_CHARS = 16_384;

export interface BoundedChanges {
  readonly changes: readonly JsonObject[];
  readonly isCut: boolean;
}

/** What has no room is said in a last entry, `{ omitted: 17 }`. */
export function boundChanges(changes: readonly JsonObject[]): BoundedChanges {
  let left = CHANGES_CHARS;
  let isCut = false;
  const kept: JsonObject[] = [];
  for (const change of changes) {
    const short = shorten(change) as JsonObject;
    const chars = JSON.stringify(short).length;
    isCut ||= chars !== JSON.stringify(change).length;
    if (chars > left && kept.length > 0) break;
    kept.push(chars > left ? withoutRows(short) : short);
    isCut ||= chars > left;
    left -= chars;
  }
  const omitted = changes.length - kept.length;
  return omitted === 0 ? { changes: kept, isCut } : { changes: [...kept, { omitted }], isCut: true };
}

function shorten(value: JsonValue): JsonValue {
  if (typeof value === 'string') {
    const text = value.length <= VALUE_CHARS ? value : `${value.slice(0, VALUE_CHARS)}…`;
    return text.toWellFormed().replaceAll('\u0000', '\ufffd');
  }
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(shorten);
  // Without a prototype, so that a column named `__proto__` is one.
  const short: Record<string, JsonValue> = Object.create(null);
  for (const [name, member] of Object.entries(value)) short[name] = shorten(member);
  return short;
}

/** A row of hundreds of long columns: which they are is still said. */
function withoutRows({ before, after, ...rest }: JsonObject): JsonObject {
  const columns = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  return { ...rest, columns: columns.slice(0, 200) };
}
