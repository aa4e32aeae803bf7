/** Verdicts on keys, remembered: a service's keys are few and come again with every request. */

import { createMatcher, type Match, type Matcher } from './matcher.js';
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
  /** The verdict on `text.slice(from, to)`, whose hash, as `hashOf` makes it, the caller has computed on the way. */
  verdictAt(text: string, from: number, to: number, hash: number): number;
  /** The verdict on a key below another. */
  verdictBelow(parent: string, key: string): number;
  queryVerdict(key: string): number;
}

/** `holdsSecret` judges a key by its value patterns. */
export function createKeys(
  terms: ReadonlyMap<string, number>,
  removed: ReadonlySet<string>,
  test: ((key: string) => boolean) | undefined,
  holdsSecret: (key: string) => boolean,
): Keys {
  const matcher = createMatcher(terms, removed);
  const plain = createMemo((key) => compute(key, matcher.match));
  const query = createMemo((key) => compute(key, matcher.matchQuery));
  const below = createMemo((path) => encode(matcher.match(path)));

  return {
    verdict: (key) => plain.get(key, 0, key.length, hashOf(key)),
    verdictAt: plain.get,
    verdictBelow: (parent, key) => {
      const path = `${parent.slice(-MAX_MEMO_LENGTH)}/${key}`;
      return below.get(path, 0, path.length, hashOf(path)) & (SENSITIVE | QUESTION | -(1 << ACTION_SHIFT));
    },
    queryVerdict: (key) => query.get(key, 0, key.length, hashOf(key)),
  };

  function compute(key: string, match: Matcher['match']): number {
    let verdict = encode(match(key));
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

/** Rolling hash of a key's UTF-16 units; computed in the scanner's loop as well. */
export function hashOf(key: string): number {
  let hash = 0;
  for (let index = 0; index < key.length; index++) hash = (Math.imul(hash, 31) + key.charCodeAt(index)) | 0;
  return hash;
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

// 4096 entries of at most 64 characters: what remains in memory is bounded, whatever keys clients invent.
const SLOTS = 4096;
const MAX_MEMO_LENGTH = 64;

/** A direct-mapped cache: a newcomer takes the place of what was there, so a flood of keys costs no more than computing them. */
function createMemo(compute: (key: string) => number) {
  const keys: string[] = new Array(SLOTS).fill('');
  const verdicts = new Int32Array(SLOTS);
  verdicts[0] = compute('');

  return { get };

  function get(text: string, from: number, to: number, hash: number): number {
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    const known = keys[slot] ?? '';
    const length = to - from;
    if (known.length === length) {
      let index = 0;
      while (index < length && known.charCodeAt(index) === text.charCodeAt(from + index)) index++;
      if (index === length) return verdicts[slot] ?? 0;
    }
    // A slice would keep the whole body alive in the cache; joining copies.
    const key = length > MAX_MEMO_LENGTH ? text.slice(from, to) : copyOf(text, from, to);
    const verdict = compute(key);
    // A key that holds a secret is not kept in memory.
    if (length > MAX_MEMO_LENGTH || (verdict & ODD) !== 0) return verdict;
    keys[slot] = key;
    verdicts[slot] = verdict;
    return verdict;
  }
}

function copyOf(text: string, from: number, to: number): string {
  return Buffer.from(text.slice(from, to), 'utf16le').toString('utf16le');
}
