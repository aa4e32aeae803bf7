/** Changes for people: field by field, one line each. */

import type { JsonObject, JsonValue } from '../record.js';

/** `changes` of a record as lines, each ended by a line feed; '' for none. */
export function diffText(changes: readonly JsonObject[] | undefined): string {
  return (changes ?? []).map((change) => [headOf(change), ...fieldsOf(change)].map((line) => `${line}\n`).join('')).join('');
}

function headOf({ table, id, operation }: JsonObject): string {
  return [table, id, operation]
    .filter((part) => part !== undefined)
    .map(shown)
    .join(' ');
}

function fieldsOf({ before, after }: JsonObject): readonly string[] {
  const [old, now] = [objectOf(before), objectOf(after)];
  return [...new Set([...Object.keys(old), ...Object.keys(now)])].flatMap((name) => [
    ...(Object.hasOwn(old, name) ? [`  - ${name}: ${shown(old[name])}`] : []),
    ...(Object.hasOwn(now, name) ? [`  + ${name}: ${shown(now[name])}`] : []),
  ]);
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

function shown(value: JsonValue | undefined): string {
  return typeof value === 'string' && /^[^\u0000-\u001f\u007f-\u009f]+$/.test(value) ? value : (JSON.stringify(value) ?? '');
}
