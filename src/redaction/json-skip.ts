/** Finds where values end without looking into them: what is skipped here is replaced, so it need not be well-formed. */

/** The offset after the value that begins at `from`; `text.length` also when its end is missing. */
export function skipJsonValue(text: string, from: number): number {
  const first = text.charCodeAt(from);
  if (first === QUOTE) return skipJsonString(text, from);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return skipContainer(text, from);
  let index = from;
  while (index < text.length && !isDelimiter(text.charCodeAt(index))) index++;
  return index;
}

/** The offset after the closing quote of the string whose opening quote is at `from`. */
export function skipJsonString(text: string, from: number): number {
  let quote = text.indexOf('"', from + 1);
  while (quote !== -1) {
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
    quote = text.indexOf('"', quote + 1);
  }
  return text.length;
}

/** Whether a value that ends at the end of the text has an end of its own. */
export function isClosed(text: string, from: number, to: number): boolean {
  if (to < text.length) return true;
  const first = text.charCodeAt(from);
  if (first === QUOTE)
    return to - from > 1 && text.charCodeAt(to - 1) === QUOTE && skipJsonString(`${text.slice(from, to)}x`, 0) === to - from;
  return false;
}

function skipContainer(text: string, from: number): number {
  let depth = 0;
  let index = from;
  while (index < text.length) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) {
      index = skipJsonString(text, index);
      continue;
    }
    index++;
    if (code === OPEN_BRACE || code === OPEN_BRACKET) depth++;
    else if ((code === CLOSE_BRACE || code === CLOSE_BRACKET) && --depth === 0) return index;
  }
  return text.length;
}

function isDelimiter(code: number): boolean {
  return (
    code === 44 || code === CLOSE_BRACE || code === CLOSE_BRACKET || code === 32 || code === 10 || code === 13 || code === 9 || code === 58
  );
}

const QUOTE = 34;
const BACKSLASH = 92;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
