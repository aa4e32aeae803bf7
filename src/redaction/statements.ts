/** Finds secrets in SQL statements and command lines, where position or a keyword names a value and no separator does. */

import type { Engine } from './engine.js';
import { SENSITIVE } from './keys.js';
import type { Range } from './tokens.js';

export function findStatements(text: string, engine: Engine, ranges: Range[]): void {
  if (VALUES_HINT.test(text)) findInserted(text, engine, ranges);
  if (!HINT.test(text)) return;
  for (const pattern of PATTERNS) {
    for (const match of text.matchAll(pattern)) {
      const to = match.index + match[0].length;
      ranges.push([to - (match[1] ?? '').length, to]);
    }
  }
}

const HINT = /identified|jdbc:oracle|mysql|mariadb|mongo|sshpass|login/i;
/** What the group takes is the end of the match. Each begins with a fixed word and repeats within bounds. */
const PATTERNS: readonly RegExp[] = [
  /\bidentified\s{1,8}by\s{1,8}(?:password\s{1,8})?(["']?[^\s"';]{1,256})/gi,
  /jdbc:oracle:\w{1,8}:[^\s/:@]{1,64}\/([^\s@"']{1,256})(?=@|$)/gi,
  /\b(?:mysql\w{0,12}|mariadb\w{0,12}|mongo\w{0,12}|sshpass)\b[^\n|;&]{0,200}?\s-p\s?(?!\d{1,5}\b)([^\s"']{1,256})/gi,
  /\blogin\b[^\n|;&]{0,200}?\s-p\s{1,4}([^\s"']{1,256})/gi,
];

const VALUES_HINT = /\)\s{0,8}values\s{0,8}\(/i;
const COLUMNS = /\(([^()]{1,2000})\)\s{0,8}values\s{0,8}(?=\()/gi;

/** `INSERT INTO users (name, password) VALUES ('a', 'b'), ('c', 'd')` */
function findInserted(text: string, engine: Engine, ranges: Range[]): void {
  let done = 0;
  for (const match of text.matchAll(COLUMNS)) {
    // What a row has taken in is not read again: rows without an end would make it quadratic.
    if (match.index < done) continue;
    const columns = (match[1] ?? '').split(',').map((column) => column.replace(/["'`[\]\s\\]/g, ''));
    const hidden = columns.map((column) => (engine.keys.verdict(column) & SENSITIVE) !== 0);
    if (!hidden.includes(true)) continue;
    let at = match.index + match[0].length;
    while (text[at] === '(') {
      at = hideRow(text, at + 1, hidden, ranges);
      while (/[\s,]/.test(text[at] ?? '')) at++;
    }
    done = at;
  }
}

/** One row's values up to its closing bracket; the offset after it. */
function hideRow(text: string, from: number, hidden: readonly boolean[], ranges: Range[]): number {
  let column = 0;
  let begin = from;
  let quote = '';
  let depth = 0;
  let index = from;
  for (; index < text.length; index++) {
    const sign = text[index] ?? '';
    if (quote !== '') quote = sign === quote ? '' : quote;
    else if (sign === "'" || sign === '"') quote = sign;
    else if (sign === '(') depth++;
    else if (depth > 0) depth -= sign === ')' ? 1 : 0;
    else if (sign === ',' || sign === ')') {
      hide(column++, index);
      begin = index + 1;
      if (sign === ')') return index + 1;
    }
  }
  hide(column, index);
  return index;

  function hide(place: number, to: number): void {
    const value = text.slice(begin, to);
    const solid = value.trim();
    const start = begin + value.length - value.trimStart().length;
    // `$2` and `?` stand for a value that is elsewhere.
    if (hidden[place] === true && solid !== '' && !/^(?:\?|[$:@]\w{1,64}|null|default)$/i.test(solid))
      ranges.push([start, start + solid.length]);
  }
}
