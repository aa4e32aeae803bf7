/** Knows the commonest strings that have enough digits to be looked at and are no secrets: UUIDs and timestamps, as units. */

import type { Codes } from './memo.js';

/** `false` says nothing: then the string is looked at. */
export function isHarmlessAt(codes: Codes, from: number, to: number): boolean {
  const length = to - from;
  return length === UUID_LENGTH ? isUuid(codes, from) : length < UUID_LENGTH && length >= MINUTE_LENGTH && isTimestamp(codes, from, to);
}

const UUID_LENGTH = 36;
/** `2026-03-01T12:34` */
const MINUTE_LENGTH = 16;

function isUuid(codes: Codes, from: number): boolean {
  if (codes[from + 8] !== DASH || codes[from + 13] !== DASH || codes[from + 18] !== DASH || codes[from + 23] !== DASH) return false;
  let dashes = 0;
  for (let index = from; index < from + UUID_LENGTH; index++) {
    const code = codes[index] as number;
    if (code === DASH) dashes++;
    else if (!isDigit(code) && ((code | 32) < 97 || (code | 32) > 102)) return false;
  }
  return dashes === 4;
}

/** RFC 3339, the seconds, their fraction and the zone optional. */
function isTimestamp(codes: Codes, from: number, to: number): boolean {
  if (codes[from + 4] !== DASH || codes[from + 7] !== DASH || codes[from + 10] !== 84 || codes[from + 13] !== COLON) return false;
  if (!areDigits(codes, from, 4) || !areDigits(codes, from + 5, 2) || !areDigits(codes, from + 8, 2)) return false;
  if (!areDigits(codes, from + 11, 2) || !areDigits(codes, from + 14, 2)) return false;
  let index = from + MINUTE_LENGTH;
  if (codes[index] === COLON && areDigits(codes, index + 1, 2)) {
    index += 3;
    if (codes[index] === 46) {
      const fraction = ++index;
      while (isDigit(codes[index] as number)) index++;
      if (index === fraction || index - fraction > 9) return false;
    }
  }
  if (index === to || (codes[index] === 90 && index + 1 === to)) return true;
  if (codes[index] !== 43 && codes[index] !== DASH) return false;
  const minutes = codes[index + 3] === COLON ? index + 4 : index + 3;
  return areDigits(codes, index + 1, 2) && areDigits(codes, minutes, 2) && minutes + 2 === to;
}

function areDigits(codes: Codes, from: number, count: number): boolean {
  for (let index = from; index < from + count; index++) if (!isDigit(codes[index] as number)) return false;
  return true;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

const DASH = 45;
const COLON = 58;
