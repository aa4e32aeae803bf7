/** Redacts text of no known format: what is named a secret in it, and what looks like one. */

import { findAssignments } from './assignments.js';
import { findEncoded } from './base64.js';
import { findNumbers } from './digits.js';
import { maskRanges } from './edits.js';
import { type Engine, MAX_DEPTH } from './engine.js';
import { foldValue } from './fold.js';
import { MASK } from './redactor.js';
import { findSpoken } from './spoken.js';
import { findStatements } from './statements.js';
import { findTokens, type Range } from './tokens.js';
import { findUserinfo } from './urls.js';

/** `cut`: the text's end is missing, so what may be the beginning of a secret at the end goes too. */
export function redactProse(text: string, engine: Engine, depth: number, cut: boolean): string {
  const folded = foldValue(text);
  const ranges: Range[] = [];
  if (ASSIGNED.test(folded)) findAssignments(folded, engine, ranges);
  if (folded.includes('//')) findUserinfo(folded, cut, ranges);
  if (cut || NUMBERED.test(folded)) findNumbers(folded, cut, ranges);
  findStatements(folded, engine, ranges);
  findSpoken(folded, engine, ranges);
  findTokens(folded, cut, ranges);
  if (depth < MAX_DEPTH) findEncoded(folded, engine, depth, cut, ranges);
  const masked = maskRanges(text, ranges, MASK);
  return engine.custom === undefined ? masked : engine.custom(masked);
}

const ASSIGNED = /[=:]|%3[dD]|--?[A-Za-z]| (?:is|was) /;
const NUMBERED = /[0-9][0-9 \-./_\u200b]{6}|[A-Za-z]{2}[0-9]{2}/;
