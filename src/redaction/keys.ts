/** Verdicts on keys, remembered: a service's keys are few and come again with every request. */

import { createMatcher, type Match, type Matcher } from './matcher.js';
import { type Codes, MAX_MEMO_LENGTH, Memo } from './memo.js';
import { nameStrength, valueStrength } from './pairs.js';
import { COMPLETIONS } from './terms.js';
import { splitWords } from './words.js';

/** A verdict is a number, so that the scanner tests bits instead of reading properties. */
export const SENSITIVE = 1;
/** Sensitive, but true, false and null may stay. */
export const QUESTION = 2;
/** May be sensitive together with its parent's key. */
export const COMPLETION = 4;
/** The key itself holds a secret by its value. */
export const ODD = 8;
/** Two bits: how likely its value is the name of a sibling's value. */
export const NAME_SHIFT = 4;
/** Two bits: how likely its value belongs to a name in a sibling. */
export const VALUE_SHIFT = 6;
/** Where the index of the action stands. */
export const ACTION_SHIFT = 8;

export interface Keys {
  verdict(key: string): number;
  /** The verdict on `text.slice(from, to)`, whose units and hash the caller has at hand. */
  verdictAt(text: string, codes: Codes, from: number, to: number, hash: number): number;
  /** The verdict on a key below another. */
  verdictBelow(parent: string, key: string): number;
  queryVerdict(key: string): number;
}

// Characters: no name is longer; what is, is no name, and its value is not understood.
const LONGEST_KEY = 512;

/** `holdsSecret` judges a key by its value patterns. */
export function createKeys(
  terms: ReadonlyMap<string, number>,
  removed: ReadonlySet<string>,
  test: ((key: string) => boolean) | undefined,
  holdsSecret: (key: string) => boolean,
): Keys {
  const matcher = createMatcher(terms, removed);
  const plain = new Memo((key) => compute(key, matcher.match), ODD);
  const query = new Memo((key) => compute(key, matcher.matchQuery), ODD);
  const below = new Memo((path) => encode(matcher.match(path)), 0);

  return {
    verdict: (key) => plain.of(key),
    verdictAt: (text, codes, from, to, hash) => plain.at(text, codes, from, to, hash),
    verdictBelow: (parent, key) => {
      const verdict = below.of(`${parent.slice(-MAX_MEMO_LENGTH)}/${key}`);
      return verdict & (SENSITIVE | QUESTION | -(1 << ACTION_SHIFT));
    },
    queryVerdict: (key) => query.of(key),
  };

  function compute(key: string, match: Matcher['match']): number {
    let verdict = key.length > LONGEST_KEY ? SENSITIVE : encode(match(key));
    if ((verdict & SENSITIVE) === 0 && test !== undefined && saysYes(test, key)) verdict = SENSITIVE;
    if (key.length <= MAX_MEMO_LENGTH) {
      const { squashed, bounds } = splitWords(key);
      const last = squashed.slice(bounds[bounds.length - 2] ?? 0);
      if (COMPLETIONS.has(last)) verdict |= COMPLETION;
      verdict |= nameStrength(squashed, last) << NAME_SHIFT;
      verdict |= valueStrength(squashed, last) << VALUE_SHIFT;
    }
    return holdsSecret(key) ? verdict | ODD : verdict;
  }
}

function encode(match: Match | undefined): number {
  if (match === undefined) return 0;
  return SENSITIVE | (match.question ? QUESTION : 0) | (match.action << ACTION_SHIFT);
}

function saysYes(test: (key: string) => boolean, key: string): boolean {
  try {
    return test(key) !== false;
  } catch {
    return true;
  }
}
