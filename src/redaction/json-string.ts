/** The inside of JSON strings as written: decoding, and replacing what must not be stored. */

import { MASK } from './redactor.js';

/** The decoded text of what stands between the quotes; raw control characters are taken as they are. Undefined: an escape is wrong. */
export function decodeJsonString(raw: string): string | undefined {
  if (!ESCAPED.test(raw)) return raw;
  try {
    return JSON.parse(`"${CONTROL.test(raw) ? raw.replace(CONTROLS, escapeControl) : raw}"`) as string;
  } catch {
    return undefined;
  }
}

/** The same text between the quotes, without NUL and lone surrogates (U+FFFD instead), raw control characters escaped. */
export function sanitizeJsonString(raw: string): string {
  const text = CONTROL.test(raw) ? raw.replace(CONTROLS, escapeControl) : raw;
  return UNICODE_ESCAPE.test(text) ? text.replace(ESCAPES, sanitizeEscape) : text;
}

const QUOTED_MASK = `"${MASK}"`;

export function quoteJson(text: string): string {
  return text === MASK ? QUOTED_MASK : JSON.stringify(sanitizeText(text));
}

/** Text without NUL and lone surrogates. */
export function sanitizeText(text: string): string {
  const whole = SURROGATE.test(text) ? text.replace(LONE_SURROGATES, '\ufffd') : text;
  return whole.includes('\0') ? whole.replaceAll('\0', '\ufffd') : whole;
}

/** Where an escape that the end of the text cuts in two begins; the length if none does. */
export function endOfWholeEscapes(raw: string): number {
  const cut = /\\u?[0-9a-fA-F]{0,3}$/.exec(raw.slice(-6));
  if (cut === null) return dropLoneHigh(raw);
  const from = raw.length - cut[0].length;
  if (cut[0].length > 1 && cut[0][1] !== 'u') return dropLoneHigh(raw);
  let backslashes = 0;
  while (raw[from - 1 - backslashes] === '\\') backslashes++;
  return backslashes % 2 === 1 ? dropLoneHigh(raw) : dropLoneHigh(raw.slice(0, from));
}

/** The first half of a pair of escapes at the very end is half a character. */
function dropLoneHigh(raw: string): number {
  return /(?<!\\)(?:\\\\)*\\u[dD][89abAB][0-9a-fA-F]{2}$/.test(raw.slice(-32)) ? raw.length - 6 : raw.length;
}

const SURROGATE = /[\ud800-\udfff]/;
// With the u flag only halves without their other half match.
const LONE_SURROGATES = /\p{Cs}/gu;
const ESCAPED = /[\\\p{Cc}]/u;
const CONTROL = /\p{Cc}/u;
const CONTROLS = /\p{Cc}/gu;
const UNICODE_ESCAPE = /\\u(?:0000|[dD][89a-fA-F])/;
const ESCAPES = /\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)/g;
const NUL_OR_SURROGATE = /^\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})$/;

function escapeControl(control: string): string {
  return control === '\0' ? '\ufffd' : JSON.stringify(control).slice(1, -1);
}

function sanitizeEscape(written: string): string {
  return NUL_OR_SURROGATE.test(written) ? '\ufffd' : written;
}
