/** The grammar of JSON numbers, by hand: numbers are frequent, and a pattern needs a slice of the text. */

/** The offset after the number at `from`; -1 if it is none. A number that the end of the text cuts ends there. */
export function endOfNumber(text: string, from: number): number {
  const { length } = text;
  let index = text.charCodeAt(from) === 45 ? from + 1 : from;
  if (index >= length) return length;
  if (text.charCodeAt(index) === 48) index++;
  else {
    const after = endOfDigits(text, index);
    if (after === index) return -1;
    index = after;
  }
  if (index < length && text.charCodeAt(index) === 46) {
    const after = endOfDigits(text, index + 1);
    if (after === index + 1 && after < length) return -1;
    index = after;
  }
  if (index < length && (text.charCodeAt(index) | 32) === 101) index = endOfExponent(text, index + 1);
  return index < 0 || index >= length || isBoundary(text.charCodeAt(index)) ? index : -1;
}

function endOfExponent(text: string, from: number): number {
  if (from >= text.length) return from;
  const sign = text.charCodeAt(from);
  const digits = sign === 43 || sign === 45 ? from + 1 : from;
  const after = endOfDigits(text, digits);
  return after === digits && after < text.length ? -1 : after;
}

function endOfDigits(text: string, from: number): number {
  let index = from;
  while (index < text.length) {
    const code = text.charCodeAt(index);
    if (code < 48 || code > 57) break;
    index++;
  }
  return index;
}

/** White space, comma, closing bracket or brace: what may stand after a number. */
function isBoundary(code: number): boolean {
  return code === 44 || code === 125 || code === 93 || code === 10 || code === 13 || code === 32 || code === 9 || code === 30;
}
