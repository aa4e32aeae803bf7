/** Rows as PostgreSQL's binary protocol carries them: one Bind message whose parameters are arrays, one for each column. */

import type { ColumnType } from './columns.js';
import { putRaw, putUnescaped } from './json-bytes.js';
import { areEqual, numberIn, putUuid, valueIn } from './json-values.js';
import type { LineRows } from './line-rows.js';
import { ROW_COLUMNS } from './row.js';
import { POSTGRES_EPOCH_MS, timeIn } from './timestamp.js';

/** What a column travels as; an `inet` is cast from its text, whose binary form would have to be parsed here. */
export function wireType(type: ColumnType): Exclude<ColumnType, 'inet'> {
  return type === 'inet' ? 'text' : type;
}

/** What travels of a column: one value that all the rows have, or an array of them. A column that no row has does not travel. */
export interface Parameter {
  readonly index: number;
  readonly name: string;
  readonly type: ColumnType;
  readonly isArray: boolean;
}

/** In the order of `ROW_COLUMNS`. The first is an array: it says how many rows there are. */
export function parametersOf(rows: LineRows): readonly Parameter[] {
  return ROW_COLUMNS.flatMap(({ name, type }, index) => {
    const isArray = index === 0 || !isShared(rows, index);
    return rows.startOf(index, 0) === -1 && !isArray ? [] : [{ index, name, type, isArray }];
  });
}

function isShared(rows: LineRows, column: number): boolean {
  const bytes = rows.bytesOf(column, 0);
  const start = rows.startOf(column, 0);
  const length = rows.endOf(column, 0) - start;
  for (let row = 1; row < rows.count; row += 1) {
    const other = rows.startOf(column, row);
    if ((other === -1) !== (start === -1) || rows.endOf(column, row) - other !== length) return false;
    if (start !== -1 && !areEqual(bytes, start, rows.bytesOf(column, row), other, length)) return false;
  }
  return true;
}

/** Makes messages for the unnamed statement and portal, with the result's columns (of which there are none) in text. */
export class BindMessages {
  #message: Message | undefined;

  /** The bytes are good until the next call: they lie in memory that is used again, as fresh memory costs more than filling it. */
  encode(parameters: readonly Parameter[], rows: LineRows): Buffer {
    this.#message ??= new Message();
    const message = this.#message;
    message.length = 0;
    message.byte(BIND);
    const start = message.length;
    message.int32(0);
    message.int16(0); // the portal's and the statement's names, both empty
    message.int16(1);
    message.int16(BINARY);
    message.int16(parameters.length);
    for (const parameter of parameters) {
      if (parameter.isArray) putArray(message, rows, parameter);
      else putValue(message, rows, parameter, 0);
    }
    message.int16(0);
    message.int32At(start, message.length - start);
    if (message.length > KEPT_BYTES) this.forget();
    return message.bytes();
  }

  /** Leaves the memory to whoever may still be sending from it. */
  forget(): void {
    this.#message = undefined;
  }
}

const BIND = 0x42;
const BINARY = 1;
const NULL = -1;
const QUOTE = 0x22;
const TRUE = 0x74;
const UUID_BYTES = 16;
// 4 MB: a part of usual records is one or two.
const KEPT_BYTES = 4 * 1024 * 1024;
const INITIAL_BYTES = 512 * 1024;

/** `pg_type.oid` of what an array holds. */
const OIDS: Readonly<Record<ReturnType<typeof wireType>, number>> = {
  boolean: 16,
  bigint: 20,
  integer: 23,
  text: 25,
  json: 114,
  'double precision': 701,
  timestamptz: 1184,
  uuid: 2950,
  jsonb: 3802,
};

type Put = (message: Message, bytes: Buffer, start: number, end: number) => void;

/** From JSON, strings without their quotes. What is not listed is text. */
const PUT: Readonly<Partial<Record<ColumnType, Put>>> = {
  boolean: (message, bytes, start) => message.byte(bytes[start] === TRUE ? 1 : 0),
  integer: (message, bytes, start, end) => message.int32(numberIn(bytes, start, end)),
  bigint: (message, bytes, start, end) => message.int64(numberIn(bytes, start, end)),
  'double precision': (message, bytes, start, end) => message.double(numberIn(bytes, start, end)),
  timestamptz: (message, bytes, start, end) => {
    const ms = timeIn(bytes, start, end) ?? Date.parse(String(valueIn(bytes, start - 1, end + 1)));
    message.int64(1000 * (ms - POSTGRES_EPOCH_MS));
  },
  uuid: (message, bytes, start, end) => message.uuid(bytes, start, end),
  jsonb: (message, bytes, start, end) => {
    message.byte(1); // the version of its binary form, which is its text
    message.raw(bytes, start, end);
  },
  // One that has kept its quotes is stored as the JSON it is.
  json: (message, bytes, start, end) => (bytes[start] === QUOTE ? message.raw(bytes, start, end) : message.text(bytes, start, end)),
};

function putText(message: Message, bytes: Buffer, start: number, end: number): void {
  message.text(bytes, start, end);
}

function putArray(message: Message, rows: LineRows, parameter: Parameter): void {
  const start = message.length;
  message.int32(0);
  message.int32(1); // one dimension
  message.int32(1); // which may hold nulls
  message.int32(OIDS[wireType(parameter.type)]);
  message.int32(rows.count);
  message.int32(1); // the first subscript
  for (let row = 0; row < rows.count; row += 1) putValue(message, rows, parameter, row);
  message.int32At(start, message.length - start - 4);
}

function putValue(message: Message, rows: LineRows, { index, type }: Parameter, row: number): void {
  message.int32(NULL);
  const from = rows.startOf(index, row);
  if (from === -1) return;
  const start = message.length;
  (PUT[type] ?? putText)(message, rows.bytesOf(index, row), from, rows.endOf(index, row));
  message.int32At(start - 4, message.length - start);
}

/** A buffer that grows. */
class Message {
  #buffer: Buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  length = 0;

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.length);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.length = this.#buffer.writeUInt8(value, this.length);
  }

  int16(value: number): void {
    this.#reserve(2);
    this.length = this.#buffer.writeInt16BE(value, this.length);
  }

  int32(value: number): void {
    this.#reserve(4);
    this.length = this.#buffer.writeInt32BE(value, this.length);
  }

  int32At(place: number, value: number): void {
    this.#buffer.writeInt32BE(value, place);
  }

  int64(value: number): void {
    this.#reserve(8);
    const high = Math.floor(value / 2 ** 32);
    this.length = this.#buffer.writeInt32BE(high, this.length);
    this.length = this.#buffer.writeUInt32BE(value - high * 2 ** 32, this.length);
  }

  double(value: number): void {
    this.#reserve(8);
    this.length = this.#buffer.writeDoubleBE(value, this.length);
  }

  uuid(bytes: Buffer, start: number, end: number): void {
    this.#reserve(UUID_BYTES);
    putUuid(bytes, start, end, this.#buffer, this.length);
    this.length += UUID_BYTES;
  }

  raw(bytes: Buffer, start: number, end: number): void {
    this.#reserve(end - start);
    this.length = putRaw(bytes, start, end, this.#buffer, this.length);
  }

  /** The text of a JSON string, which is between `start` and `end`. */
  text(bytes: Buffer, start: number, end: number): void {
    this.#reserve(end - start);
    this.length = putUnescaped(bytes, start, end, this.#buffer, this.length);
  }

  #reserve(bytes: number): void {
    if (this.length + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(2 * (this.length + bytes));
    this.#buffer.copy(grown, 0, 0, this.length);
    this.#buffer = grown;
  }
}
