/** Changes for people: field by field, one line each. */

import type { JsonObject, JsonValue } from '../record.js';

/** `changes` of a record as lines, each ended by a line feed; '' for none. */
export function diffText(changes: readonly JsonObject[] | undefined): string {
  return (changes ?? []).map((change) => `${headOf(change)}\n${fieldsOf(change)}`).join('');
}

/** `public.orders 42 updated` */
function headOf({ schema, table, model, operation, id, newId, count, complete }: JsonObject): string {
  const name = [schema, table ?? model].filter((part) => part !== undefined).join('.');
  const moved = newId === undefined ? '' : ` → ${shown(newId)}`;
  const about = [id === undefined ? '' : ` ${shown(id)}${moved}`, count === undefined ? '' : ` ${shown(count)} rows`].join('');
  return `${name}${about} ${shown(operation)}${complete === false ? ' (incomplete: the ORM does not see every row)' : ''}`;
}

function fieldsOf({ before, after, filter, statement }: JsonObject): string {
  const old = objectOf(before);
  const now = objectOf(after);
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])];
  const width = Math.max(0, ...names.map((name) => name.length));
  const lines = names.map((name) => {
    const from = Object.hasOwn(old, name) ? shown(old[name]) : undefined;
    const to = Object.hasOwn(now, name) ? shown(now[name]) : undefined;
    const sign = from === undefined ? '+' : to === undefined ? '-' : '~';
    return `  ${sign} ${name.padEnd(width)}  ${[from, to].filter((value) => value !== undefined).join(' → ')}\n`;
  });
  const about = [statement === undefined ? '' : `  by ${shown(statement)}\n`, filter === undefined ? '' : `  where ${shown(filter)}\n`];
  return [...about, ...lines].join('');
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

/** Text as it is, so that it reads well, unless it could break the line. */
function shown(value: JsonValue | undefined): string {
  if (typeof value === 'string') return /^[^\u0000-\u001f\u007f-\u009f]*$/.test(value) && value !== '' ? value : JSON.stringify(value);
  return JSON.stringify(value) ?? '';
}
