/**
 * Finds the values that prose, logs, configuration and connection strings give to a secret's name: `password=x`,
 * `Authorization: Bearer x`, `"token": "x"`, `--api-key x`, `password is "x"`. Work per separator is bounded.
 */

import { endOfAssigned } from './assigned-value.js';
import type { Engine } from './engine.js';
import { SENSITIVE } from './keys.js';
import type { Range } from './tokens.js';

export function findAssignments(text: string, engine: Engine, ranges: Range[]): void {
  let from = 0;
  for (const match of text.matchAll(SEPARATOR)) {
    const at = match.index;
    if (at < from || (text.startsWith('://', at) && text[at + 3] !== undefined)) continue;
    const names = namesBefore(text, at);
    const name = names.find((candidate) => isSensitive(candidate.name, candidate.inQuery, engine));
    if (name === undefined) continue;
    const value = endOfAssigned(text, at + match[0].length, {
      lineStart: name.lineStart,
      wholeLine: WHOLE_LINE.test(name.name),
      quotedBy: name.quotedBy,
    });
    if (value[1] <= value[0]) continue;
    ranges.push(value);
    from = value[1];
  }
  if (FLAG_HINT.test(text)) findFlags(text, engine, ranges);
  if (VERB_HINT.test(text)) findSentences(text, engine, ranges);
}

const SEPARATOR = /:=|=>|[=:]|%3[dD]/g;
/** Their values are several words. */
const WHOLE_LINE = /authorization|cookie|phrase|mnemonic|private.?key/i;

interface Candidate {
  readonly name: string;
  readonly lineStart: boolean;
  readonly inQuery: boolean;
  /** The quote before the name, when it does not close after it: `-H 'X-Api-Key: …'`. */
  readonly quotedBy: string;
}

// 64 characters: no name of a secret is longer; it bounds the work at each separator.
const LONGEST_NAME = 64;

/** The last word before a separator, then the last two and three: `Account Key=`. */
function namesBefore(text: string, at: number): readonly Candidate[] {
  let end = at;
  while (end > 0 && at - end < 4 && (text[end - 1] === ' ' || text[end - 1] === '\t')) end--;
  let closing = '';
  while (end > 0 && QUOTES.includes(text[end - 1] ?? '') && closing.length < 8) closing += text[--end];
  const candidates: Candidate[] = [];
  let from = end;
  for (let words = 1; words <= 3; words++) {
    const low = Math.max(0, end - LONGEST_NAME);
    while (from > low && isNameCharacter(text.charCodeAt(from - 1))) from--;
    if (from === end) break;
    const before = text[from - 1] ?? '\n';
    const name = text.slice(from, end);
    const lineStart = /(?:^|[\r\n])[\s"'>*#-]*$|["'`]$/.test(text.slice(Math.max(0, from - 12), from)) && (closing === '' || from < 2);
    candidates.push({
      name,
      lineStart,
      inQuery: '?&;'.includes(before) || from === 0,
      quotedBy: closing === '' && '"\'`'.includes(before) ? before : '',
    });
    if (before !== ' ' || closing !== '') break;
    from--;
  }
  return candidates;
}

const QUOTES = '"\'`\\';

function isNameCharacter(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 65 && code <= 90) ||
    (code >= 48 && code <= 57) ||
    code >= 128 ||
    NAME_SIGNS.includes(String.fromCharCode(code))
  );
}

const NAME_SIGNS = '_-.$@[]%!';

function isSensitive(name: string, inQuery: boolean, engine: Engine): boolean {
  if (!/[a-z]|\P{ASCII}/iu.test(name)) return false;
  const plain = name.includes('%') ? decodePercent(name) : name;
  const { keys } = engine;
  return ((inQuery ? keys.queryVerdict(plain) : keys.verdict(plain)) & SENSITIVE) !== 0;
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const FLAG_HINT = /(?:^|[\s"'])--?[A-Za-z]/;
const FLAG = /(?<=^|[\s"'])--?([A-Za-z][\w-]{1,62})[ \t]+(?=[^\s-])/g;

/** `--password x` */
function findFlags(text: string, engine: Engine, ranges: Range[]): void {
  for (const match of text.matchAll(FLAG)) {
    if (!isSensitive(match[1] ?? '', false, engine)) continue;
    const value = endOfAssigned(text, match.index + match[0].length, { lineStart: false, wholeLine: false, quotedBy: '' });
    if (value[1] > value[0]) ranges.push(value);
  }
  for (const match of text.matchAll(/(?<=\s)(?:-u|--user|--proxy-user)[ \t]+["']?([^\s:"']{1,128}):([^\s"']+)/g)) {
    const to = match.index + match[0].length;
    if (text.lastIndexOf('curl', match.index) !== -1) ranges.push([to - (match[2]?.length ?? 0), to]);
  }
}

const VERB_HINT = /\b(?:is|was) /;
const SENTENCE =
  /(?<![\w-])([\p{L}][\p{L}\p{N}_-]{1,31}(?: [\p{L}][\p{L}\p{N}_-]{1,31})?) (?:is|was) (?:now |set to |still )?(["'`]?)([^\s"'`]+)/gu;

/** `my password is hunter2`: only what no sentence would have there, a digit, a sign or quotes; else it says `is required`. */
function findSentences(text: string, engine: Engine, ranges: Range[]): void {
  for (const match of text.matchAll(SENTENCE)) {
    const name = match[1] ?? '';
    if (!isSensitive(name, false, engine) && !isSensitive(name.slice(name.indexOf(' ') + 1), false, engine)) continue;
    const value = (match[3] ?? '').replace(/[.,;:!?)]+$/, '');
    const to = match.index + match[0].length - (match[3]?.length ?? 0);
    if (match[2] !== '' || /[^\p{L}'-]|[a-z][A-Z]/u.test(value)) ranges.push([to, to + value.length]);
  }
}
