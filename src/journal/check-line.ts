/** Checks a line against its own hash where it lies among the bytes of a file. Sealed lines are opened first. */

import { ESCAPED, MEMBER, MEMBER_SIZE, type MemberList } from '../line-members.js';
import { lineOf, RecordLine, textOf } from '../record-line.js';
import { HASH_MEMBER_BYTES, type LineFault, sha256, verifyLine } from './chain.js';

/** A line that is what its writer hashed. */
export interface CheckedLine {
  readonly line: RecordLine;
  readonly seq: number;
}

/** What it answers keeps the bytes, and has its members in the list. */
export function checkLine(bytes: Buffer, start: number, end: number, list: MemberList): CheckedLine | { readonly fault: LineFault } {
  const line = RecordLine.read(bytes, start, end, list);
  const seq = line && seqOfWhole(line);
  if (line !== undefined && seq !== undefined) return { line, seq };
  // Sealed, or not in the form in which lines are written, or damaged.
  const verified = verifyLine(textOf(bytes.subarray(start, end)));
  return 'fault' in verified ? verified : { line: lineOf(verified.record), seq: verified.record.integrity.seq };
}

/** Undefined where this does not tell: the line may be whole nevertheless. */
function seqOfWhole(line: RecordLine): number | undefined {
  const { bytes, members, first, last, escaped } = line;
  if ((escaped & ESCAPED.unicode) !== 0 && hasSpelledName(line)) return undefined;
  let id = NONE;
  let integrity = NONE;
  let before = NONE;
  for (let at = first; at < last; ) {
    const inner = Math.max(0, members[at + MEMBER.inner] as number);
    // Members in disorder, or twice, mean one thing to one reader and another to another.
    if (!isBefore(line, before, at) || !areOrdered(line, at + MEMBER_SIZE, inner)) return undefined;
    if (isNamed(line, at, ID)) id = at;
    else if (isNamed(line, at, INTEGRITY)) integrity = at;
    before = at;
    at += MEMBER_SIZE * (1 + inner);
  }
  const isRecord =
    id !== NONE && bytes[members[id + MEMBER.valueStart] as number] === QUOTE && integrity !== NONE && hasLink(line, integrity);
  return isRecord && isWhole(line, integrity) ? seqIn(line, integrity) : undefined;
}

const NONE = -1;

/** With escapes a name may be spelled in more than one way. */
function hasSpelledName({ bytes, members, first, last }: RecordLine): boolean {
  for (let at = first; at < last; at += MEMBER_SIZE)
    if (bytes.subarray(members[at], members[at + MEMBER.nameEnd]).includes(BACKSLASH)) return true;
  return false;
}

function areOrdered(line: RecordLine, from: number, count: number): boolean {
  for (let nth = 1; nth < count; nth += 1) if (!isBefore(line, from + (nth - 1) * MEMBER_SIZE, from + nth * MEMBER_SIZE)) return false;
  return true;
}

/** By the bytes of their names, which is the canonical order but for rare characters. */
function isBefore({ bytes, members }: RecordLine, one: number, other: number): boolean {
  if (one === NONE) return true;
  const end = members[one + MEMBER.nameEnd] as number;
  const otherEnd = members[other + MEMBER.nameEnd] as number;
  let otherAt = members[other] as number;
  for (let at = members[one] as number; at < end && otherAt < otherEnd; at += 1, otherAt += 1) {
    const difference = (bytes[at] as number) - (bytes[otherAt] as number);
    if (difference !== 0) return difference < 0;
  }
  return end - (members[one] as number) < otherEnd - (members[other] as number);
}

/** In the order of their names. */
const LINK = ['epoch', 'hash', 'prevHash', 'seq', 'stream'].map((name) => Buffer.from(name));
const ID = Buffer.from('id');
const INTEGRITY = Buffer.from('integrity');
const QUOTE = 0x22;
const ZERO = 0x30;
const BACKSLASH = 0x5c;

/** Nothing but the members of a link. `integrity` is where that member is; those of its value follow. */
function hasLink(line: RecordLine, integrity: number): boolean {
  if (line.members[integrity + MEMBER.inner] !== LINK.length) return false;
  for (let nth = 0; nth < LINK.length; nth += 1) if (!isNamed(line, integrity + (nth + 1) * MEMBER_SIZE, LINK[nth] as Buffer)) return false;
  return true;
}

/** The hash is of the line without the one member that states it. */
function isWhole(line: RecordLine, integrity: number): boolean {
  const { bytes, members, start, end } = line;
  const place = integrity + 2 * MEMBER_SIZE;
  const cut = (members[place] as number) - 1 - start;
  const length = end - start - HASH_MEMBER_BYTES;
  if (scratch.length < end - start) scratch = Buffer.allocUnsafeSlow(2 * (end - start));
  bytes.copy(scratch, 0, start, end);
  scratch.copyWithin(cut, cut + HASH_MEMBER_BYTES, end - start);
  return isText(line, place, sha256(scratch.subarray(0, length)));
}

// 64 KB: a record with both bodies at their usual bound.
let scratch = Buffer.allocUnsafeSlow(65_536);

/** Whether a member's value is this string, which is ASCII without escapes. */
function isText({ bytes, members }: RecordLine, place: number, text: string): boolean {
  const start = members[place + MEMBER.valueStart] as number;
  if ((members[place + MEMBER.valueEnd] as number) - start !== text.length + 2 || bytes[start] !== QUOTE) return false;
  for (let at = 0; at < text.length; at += 1) if (bytes[start + 1 + at] !== text.charCodeAt(at)) return false;
  return true;
}

/** Undefined unless it is of digits alone. */
function seqIn({ bytes, members }: RecordLine, integrity: number): number | undefined {
  const place = integrity + 4 * MEMBER_SIZE;
  let seq = 0;
  for (let at = members[place + MEMBER.valueStart] as number; at < (members[place + MEMBER.valueEnd] as number); at += 1) {
    const digit = (bytes[at] as number) - ZERO;
    if (!(digit >= 0 && digit <= 9)) return undefined;
    seq = 10 * seq + digit;
  }
  return Number.isSafeInteger(seq) ? seq : undefined;
}

function isNamed({ bytes, members }: RecordLine, place: number, name: Buffer): boolean {
  const start = members[place] as number;
  if ((members[place + MEMBER.nameEnd] as number) - start !== name.length) return false;
  for (let at = 0; at < name.length; at += 1) if (bytes[start + at] !== name[at]) return false;
  return true;
}
