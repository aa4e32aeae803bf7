/** Rows as PostgreSQL's binary protocol carries them: one Bind message whose parameters are arrays, one for each column. */

import type { ColumnType } from './columns.js';
import { ROW_COLUMNS, type Row } from './row.js';

/** What a column travels as; an `inet` is cast from its text, whose binary form would have to be parsed here. */
export function wireType(type: ColumnType): Exclude<ColumnType, 'inet'> {
  return type === 'inet' ? 'text' : type;
}

/** For the unnamed statement and portal, with the result's columns (of which there are none) in text. */
export function bindMessage(rows: readonly Row[]): Buffer {
  const message = new Message(1024 * rows.length);
  message.byte(BIND);
  const start = message.length;
  message.int32(0);
  message.int16(0); // the portal's and the statement's names, both empty
  message.int16(1);
  message.int16(BINARY);
  message.int16(ROW_COLUMNS.length);
  for (const [index, { type }] of ROW_COLUMNS.entries()) putArray(message, rows, index, wireType(type));
  message.int16(0);
  message.int32At(start, message.length - start);
  return message.bytes();
}

const BIND = 0x42;
const BINARY = 1;
const NULL = -1;
const EPOCH_MS = Date.UTC(2000, 0, 1);

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
  bigint: (message, value) => message.int64(BigInt(Number(value))),
  'double precision': (message, value) => message.double(Number(value)),
  timestamptz: (message, value) => message.int64(1000n * BigInt(Date.parse(String(value)) - EPOCH_MS)),
  uuid: (message, value) => message.hex(String(value).replaceAll('-', '')),
  jsonb: (message, value) => {
    message.byte(1); // the version of its binary form, which is its text
    message.text(JSON.stringify(value));
  },
};

function putArray(message: Message, rows: readonly Row[], column: number, type: ReturnType<typeof wireType>): void {
  const put = PUT[type] ?? putText;
  const start = message.length;
  message.int32(0);
  message.int32(1); // one dimension
  message.int32(1); // which may hold nulls
  message.int32(OIDS[type]);
  message.int32(rows.length);
  message.int32(1); // the first subscript
  for (const row of rows) {
    const value = row[column];
    message.int32(NULL);
    if (value === undefined) continue;
    const before = message.length;
    put(message, value);
    message.int32At(before - 4, message.length - before);
  }
  message.int32At(start, message.length - start - 4);
}

function putText(message: Message, value: unknown): void {
  message.text(String(value));
}

/** A buffer that grows. */
class Message {
  #buffer: Buffer;
  length = 0;

  constructor(size: number) {
    this.#buffer = Buffer.allocUnsafe(size);
  }

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

  int64(value: bigint): void {
    this.#reserve(8);
    this.length = this.#buffer.writeBigInt64BE(value, this.length);
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
    this.length += this.#buffer.write(value, this.length, 'utf8');
  }

  #reserve(bytes: number): void {
    if (this.length + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(2 * (this.length + bytes));
    this.#buffer.copy(grown, 0, 0, this.length);
    this.#buffer = grown;
  }
}
