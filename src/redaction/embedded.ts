/** Redacts a string of unknown content: looks for a format within, follows it to a bounded depth, and falls back to prose. */

import { type Engine, MAX_DEPTH } from './engine.js';
import { redactForm } from './form.js';
import { looksLikeGraphql, redactGraphql } from './graphql.js';
import { redactJson } from './json.js';
import { redactProse } from './prose.js';
import { MASK } from './redactor.js';
import { looksLikeXml, redactXml } from './xml.js';

/** The same string if nothing had to go. `cut`: the string's end is missing. */
export function redactString(text: string, engine: Engine, depth: number, cut: boolean): string {
  if (!cut && engine.custom === undefined && isHarmless(text)) return text;
  const inner = depth < MAX_DEPTH ? redactFormat(text, engine, depth, cut) : tooDeep(text);
  return inner ?? redactProse(text, engine, depth, cut);
}

/** UUIDs, timestamps and short numbers: the commonest strings that have enough digits to be looked at. */
function isHarmless(text: string): boolean {
  const { length } = text;
  if (length === 36) return UUID.test(text);
  return length > 12 ? length < 36 && text[4] === '-' && TIMESTAMP.test(text) : length < 4 || NUMBER.test(text);
}

const UUID = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?$/;
const NUMBER = /^\+?[\d ().-]{1,9}$/;

function redactFormat(text: string, engine: Engine, depth: number, cut: boolean): string | undefined {
  const first = text.charCodeAt(firstSolid(text));
  if (first === 123 || first === 91 || first === 34) {
    const json = redactJson(text, engine, depth + 1, cut);
    if (json !== undefined) return json.hidden || (cut && json.cut) ? json.text : text;
  }
  if (first === 60 && looksLikeXml(text)) return redactXml(text, engine, depth + 1, cut);
  if (looksLikeGraphql(text)) return redactGraphql(text, engine, depth + 1, cut);
  if (looksLikeForm(text)) return redactForm(text, engine, depth + 1, cut);
  if (ENCODED.test(text) && !SPACE.test(text)) return redactEncoded(text, engine, depth, cut);
  return undefined;
}

/** One more format within too many: nobody nests so deep by accident. */
function tooDeep(text: string): string | undefined {
  return /["<\\]/.test(text) ? MASK : undefined;
}

const SPACE = /\s/;
const ENCODED = /%[0-7][0-9a-fA-F]/;

/** `a=1&b=2`; URLs are prose. */
function looksLikeForm(text: string): boolean {
  const equals = text.indexOf('=');
  return equals > 0 && equals < text.length - 2 && text.includes('&') && !SPACE.test(text) && !text.includes('//') && !text.includes('?');
}

function redactEncoded(text: string, engine: Engine, depth: number, cut: boolean): string | undefined {
  let decoded: string;
  try {
    decoded = decodeURIComponent(cut ? text.replace(/%[0-9a-fA-F]?$/, '') : text);
  } catch {
    return undefined;
  }
  if (decoded === text) return undefined;
  const redacted = redactString(decoded, engine, depth + 1, cut);
  return redacted === decoded ? undefined : encodeURIComponent(redacted);
}

function firstSolid(text: string): number {
  let index = 0;
  while (index < text.length && text.charCodeAt(index) <= 32) index++;
  return index;
}
