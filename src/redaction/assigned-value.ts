/** Where the value after a secret's name ends, in text that follows no one grammar; rather too late than too early. */

import { skipJsonValue } from './json-skip.js';
import type { Range } from './tokens.js';

export interface AssignedContext {
  /** The name begins its line: a header, YAML, an .env file; its value is the line. */
  readonly lineStart: boolean;
  readonly wholeLine: boolean;
  /** An open quote around name and value. */
  readonly quotedBy: string;
}

export function endOfAssigned(text: string, after: number, context: AssignedContext): Range {
  const separator = text[after - 1] ?? '';
  let from = after;
  while (text[from] === ' ' || text[from] === '\t') from++;
  const quoted = quotedValue(text, from);
  if (quoted !== undefined) return quoted;
  if (text.startsWith(MASKED, from)) return [from, from + MASKED.length];
  const first = text[from] ?? '';
  if (first === '{' || first === '[' || first === '(') return [from, endOfBrackets(text, from)];
  if (separator !== '=' && context.lineStart && /^(?:[|>][+-]?\d?[ \t]*)?(?:\r?\n|$)/.test(text.slice(from, from + 12)))
    return indentedBlock(text, from, after);
  if (context.wholeLine || (context.lineStart && separator !== '=')) return [from, endOfLine(text, from, context.quotedBy)];
  return [from, endOfWord(text, from)];
}

const MASKED = '[REDACTED]';

/** In quotes of any kind, also escaped ones (JSON within JSON) and tripled ones. */
function quotedValue(text: string, from: number): Range | undefined {
  let open = from;
  while (text[open] === '\\' && open - from < 16) open++;
  const quote = text[open] ?? '';
  if (quote === '' || !'"\'`'.includes(quote)) return undefined;
  if (text.startsWith(quote.repeat(3), open)) {
    const close = text.indexOf(quote.repeat(3), open + 3);
    return [open + 3, close === -1 ? text.length : close];
  }
  const depth = open - from;
  let close = text.indexOf(quote, open + 1);
  while (close !== -1) {
    let backslashes = 0;
    while (close - 1 - backslashes > open && text[close - 1 - backslashes] === '\\') backslashes++;
    if (depth === 0 ? backslashes % 2 === 0 : backslashes <= depth) return [open + 1, close - Math.min(backslashes, depth)];
    close = text.indexOf(quote, close + 1);
  }
  return [open + 1, text.length];
}

function endOfBrackets(text: string, from: number): number {
  if (text[from] !== '(') return skipJsonValue(text, from);
  const close = text.indexOf(')', from);
  return close === -1 ? text.length : close + 1;
}

/** YAML: a block scalar, a mapping or a list below the key, as far as it is indented more than the key. */
function indentedBlock(text: string, from: number, after: number): Range {
  const lineFrom = text.lastIndexOf('\n', after - 1) + 1;
  const indent = indentOf(text, lineFrom);
  let end = text.indexOf('\n', from);
  if (end === -1) return [from, text.length];
  const begin = end + 1;
  for (let line = begin; line < text.length; ) {
    const next = text.indexOf('\n', line);
    const lineTo = next === -1 ? text.length : next;
    const blank = text.slice(line, lineTo).trim() === '';
    if (
      !blank &&
      indentOf(text, line) <= indent &&
      !(indentOf(text, line) === indent && text[line + indent] === '-' && text[line + indent + 1] === ' ')
    )
      break;
    if (!blank) end = lineTo;
    line = lineTo + 1;
  }
  const block = begin + indentOf(text, begin);
  return block < end ? [block, end] : nextLine(text, begin);
}

/** Not YAML: a letter that puts the value on a line of its own, unless that line is another entry. */
function nextLine(text: string, begin: number): Range {
  let from = begin;
  while (from < text.length && ' \t\r\n'.includes(text[from] ?? '')) from++;
  const end = text.indexOf('\n', from);
  const to = trimEnd(text, from, end === -1 ? text.length : end, ' \t\r');
  return /[:=]/.test(text.slice(from, to)) ? [from, from] : [from, to];
}

function indentOf(text: string, from: number): number {
  let index = from;
  while (text[index] === ' ' || text[index] === '\t') index++;
  return index - from;
}

function endOfLine(text: string, from: number, quote: string): number {
  let index = from;
  while (
    index < text.length &&
    text[index] !== '\n' &&
    text[index] !== '\r' &&
    (quote === '' ? !'"`'.includes(text[index] ?? '') : text[index] !== quote)
  )
    index++;
  return trimEnd(text, from, index, ' \t,;');
}

/** As far as the run goes; `,`, `;` and `&` end it only where another name or a space follows, for passwords contain them. */
function endOfWord(text: string, from: number): number {
  let index = from;
  while (index < text.length) {
    const character = text[index] ?? '';
    if (WORD_ENDS.includes(character)) break;
    if (PAIR_ENDS.includes(character) && (character === '&' || NEXT_PAIR.test(text.slice(index + 1, index + 66)))) break;
    index++;
  }
  return trimEnd(text, from, index, '),.;]}');
}

function trimEnd(text: string, from: number, to: number, characters: string): number {
  let end = to;
  while (end > from && characters.includes(text[end - 1] ?? '')) end--;
  return end;
}

const WORD_ENDS = ' \t\r\n"\'`<>';
const PAIR_ENDS = ',;&|';
const NEXT_PAIR = /^[ \t]*(?:$|[\r\n]|[\w.%[\] -]{1,60}[=:])/;
