/** Remembers what was made of some fields of a row, by their bytes: to look a string up it would have to be decoded first. */

import type { CopiedRow } from './copied-row.js';

export interface FieldMemory<Value> {
  /** What `make` answered for a row with the same fields, or answers now. */
  get(row: CopiedRow, make: () => Value): Value;
}

/** Each has one place, which it loses to another that falls on it. */
const PLACES = 4096;
// What is longer is hardly said twice.
const MAX_BYTES = 512;

interface Remembered<Value> {
  readonly fields: Buffer;
  readonly value: Value;
}

/** @param places of the fields, in `ROW_COLUMNS` */
export function createFieldMemory<Value>(places: readonly number[]): FieldMemory<Value> {
  const memory = new Array<Remembered<Value> | undefined>(PLACES);
  return {
    get(row, make) {
      const at = hashOf(row, places) & (PLACES - 1);
      const known = memory[at];
      if (known !== undefined && isOf(known.fields, row, places)) return known.value;
      const fields = fieldsOf(row, places);
      const value = make();
      if (fields.length <= MAX_BYTES) memory[at] = { fields, value };
      return value;
    },
  };
}

/** FNV-1a, of 32 bits. */
function hashOf({ bytes, starts, ends }: CopiedRow, places: readonly number[]): number {
  let hash = 0x811c9dc5;
  for (const place of places) {
    const end = ends[place] as number;
    for (let at = starts[place] as number; at < end; at += 1) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  }
  return hash >>> 0;
}

/** With their lengths, so that no two rows share them by chance. */
function fieldsOf({ bytes, starts, ends }: CopiedRow, places: readonly number[]): Buffer {
  return Buffer.concat(
    places.map((place) =>
      bytes.subarray((starts[place] as number) - LENGTH_BYTES, Math.max(ends[place] as number, starts[place] as number)),
    ),
  );
}

function isOf(fields: Buffer, { bytes, starts, ends }: CopiedRow, places: readonly number[]): boolean {
  let next = 0;
  for (const place of places) {
    const end = Math.max(ends[place] as number, starts[place] as number);
    for (let at = (starts[place] as number) - LENGTH_BYTES; at < end; at += 1, next += 1) if (bytes[at] !== fields[next]) return false;
  }
  return next === fields.length;
}

/** Before each field. */
const LENGTH_BYTES = 4;
