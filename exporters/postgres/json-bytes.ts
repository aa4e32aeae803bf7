/**
 * Writes JSON byte by byte: strings that are sliced, escaped and joined take four times as long. Every function answers where in
 * `target` it ended, and leaves it to the caller that there is room.
 */

import { valueIn } from './json-values.js';

/** What is JSON already. */
export function putRaw(bytes: Buffer, start: number, end: number, target: Buffer, from: number): number {
  if (end - start > SHORT_BYTES) return from + bytes.copy(target, from, start, end);
  let at = from;
  for (let next = start; next < end; next += 1) target[at++] = bytes[next] as number;
  return at;
}

/** Up to here a loop is quicker than the call. */
const SHORT_BYTES = 128;

export function putAscii(text: string, target: Buffer, from: number): number {
  for (let next = 0; next < text.length; next += 1) target[from + next] = text.charCodeAt(next);
  return from + text.length;
}

/** Text in UTF-8; bytes from 128 on are the same in JSON. */
export function putQuoted(bytes: Buffer, start: number, end: number, target: Buffer, from: number): number {
  let at = from;
  target[at++] = QUOTE;
  for (let next = start; next < end; next += 1) {
    const byte = bytes[next] as number;
    if (byte < SPACE) at = putAscii(ESCAPES[byte] ?? '', target, at);
    else {
      if (byte === QUOTE || byte === BACKSLASH) target[at++] = BACKSLASH;
      target[at++] = byte;
    }
  }
  target[at] = QUOTE;
  return at + 1;
}

/** The text of a JSON string, which stands between its quotes. It takes no more room than there. */
export function putUnescaped(bytes: Buffer, start: number, end: number, target: Buffer, from: number): number {
  let at = from;
  let next = start;
  while (next < end) {
    const byte = bytes[next] as number;
    if (byte !== BACKSLASH) {
      target[at] = byte;
      at += 1;
      next += 1;
      continue;
    }
    const kind = bytes[next + 1] as number;
    // Four digits of a control character: halves of surrogate pairs, which have no bytes, are kept away from here.
    if (kind === LOWER_U) return from + target.write(valueIn(bytes, start - 1, end + 1) as string, from);
    target[at] = UNESCAPED[kind] as number;
    at += 1;
    next += 2;
  }
  return at;
}

const LOWER_U = 0x75;
const SHORT_ESCAPES: Readonly<Record<string, number>> = { b: 8, t: 9, n: 10, f: 12, r: 13 };
/** What an escape stands for, by the byte behind its backslash. */
const UNESCAPED = Uint8Array.from({ length: 128 }, (_, byte) => SHORT_ESCAPES[String.fromCharCode(byte)] ?? byte);

export function putNumber(value: number, target: Buffer, from: number): number {
  if (value < 0 || value > MAX_DIGITS_BY_HAND || !Number.isInteger(value)) return putAscii(String(value), target, from);
  let to = from + 1;
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) to += 1;
  putDigits(value, target, from, to);
  return to;
}

/** Within this, arithmetic is of 32 bits. */
const MAX_DIGITS_BY_HAND = 2 ** 31 - 1;

/** Fills all of the place, with leading zeros. */
function putDigits(value: number, target: Buffer, from: number, to: number): void {
  let rest = value;
  for (let at = to - 1; at >= from; at -= 1) {
    target[at] = ZERO + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

let second = Number.NaN;
let secondText: Buffer = Buffer.alloc(0);

/** RFC 3339 UTC with milliseconds, in quotes. */
export function putTime(epochMs: number, target: Buffer, from: number): number {
  const own = Math.floor(epochMs / 1000);
  if (own !== second) {
    second = own;
    secondText = Buffer.from(`"${new Date(own * 1000).toISOString().slice(0, -'000Z'.length)}`);
  }
  const at = putRaw(secondText, 0, secondText.length, target, from);
  putDigits(epochMs - own * 1000, target, at, at + 3);
  return putRaw(TIME_END, 0, TIME_END.length, target, at + 3);
}

const TIME_END = Buffer.from('Z"');
const SPACE = 0x20;
const QUOTE = 0x22;
const ZERO = 0x30;
const BACKSLASH = 0x5c;
const ESCAPES: readonly string[] = Array.from({ length: SPACE }, (_, code) => JSON.stringify(String.fromCharCode(code)).slice(1, -1));
