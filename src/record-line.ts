/** A record as the bytes of its journal line: delivery carries these, and only who asks for the record has it made. */

import { isAscii } from 'node:buffer';
import { canonicalize } from './canonical.js';
import { listMembers, MemberList } from './line-members.js';
import type { JournalledRecord } from './record.js';

/** A line that is one JSON object without white space, and where its members are. */
export class RecordLine {
  /** What else is in them is none of the line's business. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** As `listMembers` says, from `first` to before `last`. */
  readonly members: Int32Array;
  readonly first: number;
  readonly last: number;
  /** Of `ESCAPED`. */
  readonly escaped: number;
  #record: JournalledRecord | undefined;

  private constructor(bytes: Buffer, start: number, end: number, list: MemberList, first: number, escaped: number) {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.members = list.numbers;
    this.first = first;
    this.last = list.length;
    this.escaped = escaped;
  }

  /** Undefined if it is no such line. */
  static read(bytes: Buffer, start: number, end: number, list: MemberList): RecordLine | undefined {
    const first = list.length;
    const escaped = listMembers(bytes, start, end, list);
    if (escaped !== undefined) return new RecordLine(bytes, start, end, list, first, escaped);
    list.length = first;
    return undefined;
  }

  get record(): JournalledRecord {
    this.#record ??= JSON.parse(textOf(this.bytes.subarray(this.start, this.end))) as JournalledRecord;
    return this.#record;
  }
}

/** The canonical line of a record that is none yet. */
export function lineOf(record: JournalledRecord): RecordLine {
  const bytes = Buffer.from(canonicalize(record));
  const line = RecordLine.read(bytes, 0, bytes.length, new MemberList(bytes.length));
  if (line === undefined) throw new TypeError('a record is an object');
  return line;
}

/** ASCII is the same text either way, and decoded in a quarter of the time. */
export function textOf(bytes: Buffer): string {
  return bytes.toString(isAscii(bytes) ? 'latin1' : 'utf8');
}
