/**
 * Rows of `audit_logs` as places in the lines of their records: what goes into a column is copied from there. What goes where is as
 * `toRow` has it for records.
 */

import { ESCAPED, MEMBER, MEMBER_SIZE } from '../../src/line-members.js';
import type { RecordLine } from '../../src/record-line.js';
import { COLUMNS, type Column, type ColumnType, type Fit, fitOf } from './columns.js';
import { JsonText } from './json-text.js';
import { areEqual, isIPv4In, isUuid, numberIn, valueIn } from './json-values.js';
import { isUnreadable, ROW_COLUMNS, type ToRowOptions } from './row.js';
import { timeIn } from './timestamp.js';

/** For one connection: its memory is used again. */
export class LineRows {
  #lines: readonly RecordLine[] = [];
  /** Start and end, column by column, as they are asked for. */
  #places = new Int32Array(0);
  readonly #actors = new JsonText();
  readonly #rests = new JsonText();

  get count(): number {
    return this.#lines.length;
  }

  /** These are the rows now. */
  fill(lines: readonly RecordLine[], options: ToRowOptions = {}): void {
    this.clear();
    this.#lines = lines;
    const size = 2 * ROW_COLUMNS.length * lines.length;
    if (this.#places.length < size) this.#places = new Int32Array(size);
    this.#places.fill(NOWHERE, 0, size);
    for (const [row, line] of lines.entries()) this.#place(row, line, options);
  }

  /** Lets go of the lines. */
  clear(): void {
    this.#lines = [];
    this.#actors.clear();
    this.#rests.clear();
  }

  /** Where the value is in its `bytesOf`; -1: there is none. Strings are without their quotes, but for bodies that are stored with them. */
  startOf(column: number, row: number): number {
    return this.#places[2 * (column * this.count + row)] as number;
  }

  endOf(column: number, row: number): number {
    return this.#places[2 * (column * this.count + row) + 1] as number;
  }

  bytesOf(column: number, row: number): Buffer {
    if (column === ACTOR) return this.#actors.bytes;
    return column === REST ? this.#rests.bytes : (this.#lines[row] as RecordLine).bytes;
  }

  #place(row: number, line: RecordLine, options: ToRowOptions): void {
    const { members, first, last } = line;
    const rests = this.#rests;
    const restStart = rests.length;
    let next = 0;
    for (let at = first; at < last; ) {
      const inner = members[at + MEMBER.inner] as number;
      const found = search(line, at, SLOTS, next);
      next = found < 0 ? -1 - found : found;
      const slot = found < 0 ? undefined : SLOTS[found];
      if (slot?.inner !== undefined && inner >= 0) this.#placeObject(row, line, at, slot.inner, restStart, options);
      else if (slot === undefined || slot.inner !== undefined || !this.#put(row, line, at, slot)) addMember(rests, restStart, line, at);
      at += MEMBER_SIZE * (1 + Math.max(0, inner));
    }
    if (rests.length === restStart) return;
    rests.end(restStart);
    this.#set(REST, row, restStart, rests.length);
  }

  #placeObject(row: number, line: RecordLine, object: number, slots: readonly Slot[], restStart: number, options: ToRowOptions): void {
    const inner = line.members[object + MEMBER.inner] as number;
    kept.length = 0;
    let next = 0;
    for (let at = object + MEMBER_SIZE; at <= object + inner * MEMBER_SIZE; at += MEMBER_SIZE) {
      const found = search(line, at, slots, next);
      next = found < 0 ? -1 - found : found;
      const slot = found < 0 ? undefined : slots[found];
      const isPut =
        slot?.type === 'json' ? this.#putBody(row, line, at, slot, options) : slot !== undefined && this.#put(row, line, at, slot);
      if (!isPut) kept.push(at);
    }
    if (kept.length > 0 || inner === 0) this.#keep(row, line, object, slots === ACTOR_SLOTS, restStart);
  }

  #keep(row: number, line: RecordLine, object: number, isActor: boolean, restStart: number): void {
    const { bytes, members } = line;
    const text = isActor ? this.#actors : this.#rests;
    if (!isActor) text.add(restStart, bytes, (members[object] as number) - 1, members[object + MEMBER.valueStart] as number);
    const start = text.length;
    for (const at of kept) addMember(text, start, line, at);
    text.end(start);
    if (isActor) this.#set(ACTOR, row, start, text.length);
  }

  /** False if the value has to be kept beside the columns as well. */
  #put(row: number, { bytes, members }: RecordLine, at: number, { column, type }: Slot): boolean {
    const start = members[at + MEMBER.valueStart] as number;
    const end = members[at + MEMBER.valueEnd] as number;
    const fit = fitIn(type, bytes, start, end);
    if (fit === 'none') return false;
    const quote = bytes[start] === QUOTE ? 1 : 0;
    this.#set(column, row, start + quote, end - quote);
    return fit === 'exact';
  }

  #putBody(row: number, { bytes, members, escaped }: RecordLine, at: number, { column }: Slot, options: ToRowOptions): boolean {
    const start = members[at + MEMBER.valueStart] as number;
    const end = members[at + MEMBER.valueEnd] as number;
    if (options.bodiesAside === true || bytes[start] !== QUOTE) return false;
    // Its format follows it, if it has one.
    const isJson = areEqual(bytes, end, JSON_FORMAT, 0, JSON_FORMAT.length);
    if (isJson && (escaped & ESCAPED.backslash) !== 0 && isUnreadable(valueIn(bytes, start, end) as string)) return false;
    const quote = isJson ? 1 : 0;
    this.#set(column, row, start + quote, end - quote);
    return true;
  }

  #set(column: number, row: number, start: number, end: number): void {
    const place = 2 * (column * this.count + row);
    this.#places[place] = start;
    this.#places[place + 1] = end;
  }
}

/** Where a member of the record goes, or one of an object of the record. */
interface Slot {
  readonly name: Buffer;
  /** In `ROW_COLUMNS`. */
  readonly column: number;
  readonly type: ColumnType;
  /** Of an object whose members have columns of their own. */
  readonly inner?: readonly Slot[];
}

const NOWHERE = -1;
const ACTOR = COLUMNS.length;
const REST = ACTOR + 1;
const QUOTE = 0x22;
const JSON_FORMAT = Buffer.from(',"bodyFormat":"json"');
const SLOTS: readonly Slot[] = slotsOf(
  0,
  COLUMNS.map((column, index) => ({ ...column, index })),
);
const ACTOR_SLOTS = SLOTS.find(({ name }) => name.equals(Buffer.from('actor')))?.inner;

function slotsOf(depth: 0 | 1, columns: readonly (Column & { readonly index: number })[]): readonly Slot[] {
  const names = [...new Set(columns.map(({ member }) => member[depth] as string))].sort();
  return names.map((name) => {
    const own = columns.filter(({ member }) => member[depth] === name);
    const { index, type } = own[0] as (typeof own)[0];
    const slot = { name: Buffer.from(name), column: index, type };
    return depth === 0 && own[0]?.member[1] !== undefined ? { ...slot, inner: slotsOf(1, own) } : slot;
  });
}

/** Of the object that is being placed: what no column holds. */
const kept: number[] = [];

/** Where the member's slot is, from `next` on; both are in order. Below 0: it has none, and -1 less that is where to go on. */
function search(line: RecordLine, at: number, slots: readonly Slot[], next: number): number {
  for (let place = next; place < slots.length; place += 1) {
    const difference = order(line, at, (slots[place] as Slot).name);
    if (difference <= 0) return difference === 0 ? place : -1 - place;
  }
  return -1 - slots.length;
}

/** Below 0: the member's name comes before the other, which is ASCII. */
function order({ bytes, members }: RecordLine, at: number, name: Buffer): number {
  const start = members[at] as number;
  const length = (members[at + MEMBER.nameEnd] as number) - start;
  for (let place = 0; place < length && place < name.length; place += 1) {
    const difference = (bytes[start + place] as number) - (name[place] as number);
    if (difference !== 0) return difference;
  }
  return length - name.length;
}

function addMember(text: JsonText, start: number, { bytes, members }: RecordLine, at: number): void {
  text.add(start, bytes, (members[at] as number) - 1, members[at + MEMBER.valueEnd] as number);
}

/** As `fitOf` says of values. */
function fitIn(type: ColumnType, bytes: Buffer, start: number, end: number): Fit {
  const byte = bytes[start] as number;
  switch (type) {
    case 'text':
      return byte === QUOTE ? 'exact' : 'none';
    case 'jsonb':
      return byte === BRACE || byte === BRACKET ? 'exact' : 'none';
    case 'boolean':
      return byte === TRUE || byte === FALSE ? 'exact' : 'none';
    case 'uuid':
      return byte === QUOTE && isUuid(bytes, start + 1, end - 1) ? 'exact' : fitOf(type, valueIn(bytes, start, end));
    case 'timestamptz':
      return byte === QUOTE && timeIn(bytes, start + 1, end - 1) !== undefined ? 'exact' : fitOf(type, valueIn(bytes, start, end));
    case 'inet':
      if (byte === QUOTE && isIPv4In(bytes, start + 1, end - 1)) return 'exact';
      // An address needs no decoding.
      return byte === QUOTE ? fitOf(type, bytes.toString('latin1', start + 1, end - 1)) : 'none';
    default:
      return byte === MINUS || (byte >= ZERO && byte <= NINE) ? fitOf(type, numberIn(bytes, start, end)) : 'none';
  }
}

const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const BRACKET = 0x5b;
const BRACE = 0x7b;
const FALSE = 0x66;
const TRUE = 0x74;
