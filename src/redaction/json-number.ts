/** The grammar of JSON numbers, by hand: numbers are frequent, and a pattern would need a slice of the text. */

import type { Codes } from './memo.js';

/** The offset after the number at `from`; -1 if it is none. A number that the end of the text cuts ends there. */
export function endOfNumber(codes: Codes, from: number): number {
  const { length } = codes;
  let index = codes[from] === 45 ? from + 1 : from;
  if (index >= length) return length;
  if ((codes[index] as number) === 48) index++;
  else {
    const after = endOfDigits(codes, index);
    if (after === index) return -1;
    index = after;
  }
  if (index < length && (codes[index] as number) === 46) {
    const after = endOfDigits(codes, index + 1);
    if (after === index + 1 && after < length) return -1;
    index = after;
  }
  if (index < length && ((codes[index] as number) | 32) === 101) index = endOfExponent(codes, index + 1);
  return index < 0 || index >= length || isBoundary(codes[index] as number) ? index : -1;
}

function endOfExponent(codes: Codes, from: number): number {
  if (from >= codes.length) return from;
  const sign = codes[from];
  const digits = sign === 43 || sign === 45 ? from + 1 : from;
  const after = endOfDigits(codes, digits);
  return after === digits && after < codes.length ? -1 : after;
}

function endOfDigits(codes: Codes, from: number): number {
  let index = from;
  while (index < codes.length) {
    const code = codes[index] as number;
    if (code < 48 || code > 57) break;
    index++;
  }
  return index;
}

/** White space, comma, closing bracket or brace: what may stand after a number. */
function isBoundary(code: number): boolean {
  return code === 44 || code === 125 || code === 93 || code === 10 || code === 13 || code === 32 || code === 9 || code === 30;
}
