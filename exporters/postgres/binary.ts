/** Rows as PostgreSQL's binary protocol carries them: one Bind message whose parameters are arrays, one for each column. */

import type { ColumnType } from './columns.js';
import { ROW_COLUMNS, type Row } from './row.js';
import { POSTGRES_EPOCH_MS, parseTimestamp } from './timestamp.js';

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
export function parametersOf(rows: readonly Row[]): readonly Parameter[] {
  return ROW_COLUMNS.flatMap(({ name, type }, index) => {
    const value = rows[0]?.[index];
    const isArray = index === 0 || rows.some((row) => row[index] !== value);
    return value === undefined && !isArray ? [] : [{ index, name, type, isArray }];
  });
}

/** Makes messages for the unnamed statement and portal, with the result's columns (of which there are none) in text. */
export class BindMessages {
  #message: Message | undefined;

  /** The bytes are good until the next call: they lie in memory that is used again, as fresh memory costs more than filling it. */
  encode(parameters: readonly Parameter[], rows: readonly Row[]): Buffer {
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
      else putValue(message, parameter.type, rows[0]?.[parameter.index]);
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

/** The fixed-width types; the others are text. */
const PUT: Readonly<Partial<Record<ColumnType, (message: Message, value: unknown) => void>>> = {
  boolean: (message, value) => message.byte(value === true ? 1 : 0),
  integer: (message, value) => message.int32(Number(value)),
  bigint: (message, value) => message.int64(Number(value)),
  'double precision': (message, value) => message.double(Number(value)),
  timestamptz: (message, value) => message.int64(1000 * ((parseTimestamp(String(value)) ?? Date.parse(String(value))) - POSTGRES_EPOCH_MS)),
  uuid: (message, value) => message.hex(String(value).replaceAll('-', '')),
  jsonb: (message, value) => {
    message.byte(1); // the version of its binary form, which is its text
    message.text(JSON.stringify(value));
  },
};

function putArray(message: Message, rows: readonly Row[], { index, type }: Parameter): void {
  const start = message.length;
  message.int32(0);
  message.int32(1); // one dimension
  message.int32(1); // which may hold nulls
  message.int32(OIDS[wireType(type)]);
  message.int32(rows.length);
  message.int32(1); // the first subscript
  for (const row of rows) putValue(message, type, row[index]);
  message.int32At(start, message.length - start - 4);
}

function putValue(message: Message, type: ColumnType, value: unknown): void {
  message.int32(NULL);
  if (value === undefined) return;
  const start = message.length;
  (PUT[type] ?? putText)(message, value);
  message.int32At(start - 4, message.length - start);
}

function putText(message: Message, value: unknown): void {
  message.text(String(value));
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

  hex(digits: string): void {
    this.#reserve(digits.length);
    this.length += this.#buffer.write(digits, this.length, 'hex');
  }

  text(value: string): void {
    // UTF-8 takes at most three bytes for a UTF-16 unit.
    this.#reserve(3 * value.length);
    if (value.length > SHORT_TEXT || !this.#ascii(value)) this.length += this.#buffer.write(value, this.length, 'utf8');
  }

  /** False, and nothing has changed, if it is more than ASCII. */
  #ascii(value: string): boolean {
    const bytes = this.#buffer;
    const start = this.length;
    for (let at = 0; at < value.length; at += 1) {
      const code = value.charCodeAt(at);
      if (code > 127) return false;
      bytes[start + at] = code;
    }
    this.length = start + value.length;
    return true;
  }

  #reserve(bytes: number): void {
    if (this.length + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(2 * (this.length + bytes));
    this.#buffer.copy(grown, 0, 0, this.length);
    this.#buffer = grown;
  }
}

/** Up to here a loop is quicker than the call that encodes any text. */
const SHORT_TEXT = 40;
