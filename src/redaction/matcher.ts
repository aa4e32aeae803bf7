/** Decides whether a name is that of a secret: whole words in sequence, glued words, digits put for letters. */

import {
  ABOUT,
  GLUED_ENDINGS,
  GLUED_PREFIXES,
  GLUED_SUFFIXES,
  GLUED_TERMS,
  IDENTIFIED,
  QUANTITIES,
  QUERY_TERMS,
  QUESTIONS,
  SINGULAR,
  STATEMENTS,
  STRONG_TERMS,
} from './terms.js';
import { splitWords, squash, type Words } from './words.js';

export interface Match {
  /** Index of the action of the rule that matched. */
  readonly action: number;
  /** `has_password`: true, false and null tell nothing. */
  readonly question: boolean;
}

export interface Matcher {
  match(name: string): Match | undefined;
  /** With the terms that hold only in query strings and forms. */
  matchQuery(name: string): Match | undefined;
}

/** `terms` from spelling to the index of an action; `removed` are the defaults that hold no more. */
export function createMatcher(terms: ReadonlyMap<string, number>, removed: ReadonlySet<string>): Matcher {
  const spelled = new Map([...terms].map(([term, action]) => [squash(term), action] as const));
  const query = new Map([...QUERY_TERMS.map((term) => [term, 0] as const), ...spelled]);
  const gone = new Set([...removed].map(squash));
  const longest = Math.max(1, ...[...query.keys()].map((term) => term.length));
  const strong = alternation(STRONG_TERMS, gone);
  const glued = alternation(GLUED_TERMS, gone);
  const prefixes = GLUED_PREFIXES.join('|');
  const suffixes = [...GLUED_SUFFIXES, ...ABOUT].join('|');
  const known = new Set([...GLUED_TERMS, ...STRONG_TERMS].map(squash));
  const strongPattern = new RegExp(strong);
  const gluedPattern = new RegExp(`^(?:${prefixes}){0,3}(?:${glued})s?((?:${suffixes})?)s?((?:${suffixes})?)$`);
  const endingPattern = new RegExp(`^(?:${prefixes}){1,3}(?:${alternation(GLUED_ENDINGS, gone)})$`);
  // What no key without a secret's name passes; the rest is done for the few that remain.
  const stems = new RegExp(stemsOf([...query.keys()]).join('|'));

  return {
    match: (name) => find(name, spelled),
    matchQuery: (name) => find(name, query),
  };

  function find(name: string, list: ReadonlyMap<string, number>): Match | undefined {
    const words = splitWords(name);
    const plain = stems.test(words.squashed) ? judge(words, list) : undefined;
    if (plain !== undefined) return plain;
    const letters = unmask(name);
    if (letters === undefined) return undefined;
    const unmasked = splitWords(letters);
    return stems.test(unmasked.squashed) ? judge(unmasked, list) : undefined;
  }

  function judge(words: Words, list: ReadonlyMap<string, number>): Match | undefined {
    const { squashed, bounds } = words;
    const last = lastWord(words);
    const about = ABOUT.has(last);
    const opening = squashed.slice(0, bounds[1]);
    if (STATEMENTS.has(opening)) return undefined;
    const question = QUESTIONS.has(opening);
    for (let first = 0; first + 1 < bounds.length; first++) {
      const from = bounds[first] ?? 0;
      for (let next = first + 1; next < bounds.length; next++) {
        const to = bounds[next] ?? 0;
        if (to - from > longest + 1) break;
        const action = actionOf(squashed.slice(from, to), list, words, first);
        if (action === undefined) continue;
        const rest = squashed.slice(to);
        if (rest !== '' && (about || (rest === 'id' && IDENTIFIED.has(singular(squashed.slice(from, to)))))) continue;
        return { action, question };
      }
    }
    if (gone.size > 0 && gone.has(squashed)) return undefined;
    return isGlued(words) && !about ? { action: 0, question } : undefined;
  }

  function actionOf(word: string, list: ReadonlyMap<string, number>, words: Words, first: number): number | undefined {
    const exact = list.get(word);
    if (exact !== undefined) return exact;
    const base = singular(word);
    if (base === word || SINGULAR.has(base)) return undefined;
    if (first > 0 && QUANTITIES.has(words.squashed.slice(words.bounds[first - 1], words.bounds[first]))) return undefined;
    return list.get(base);
  }

  function isGlued({ squashed, bounds }: Words): boolean {
    for (let index = 0; index + 1 < bounds.length; index++) {
      const word = squashed.slice(bounds[index], bounds[index + 1]);
      if (word.length < 5 || known.has(singular(word))) continue;
      if (word.length > 64) {
        if (strong !== NEVER && strongPattern.test(word)) return true;
        continue;
      }
      const parts = gluedPattern.exec(word);
      if (parts !== null) {
        if (!ABOUT.has(parts[2] || parts[1] || '')) return true;
      } else if (strongPattern.test(word) || endingPattern.test(word)) return true;
    }
    return false;
  }
}

const NEVER = '(?!)';

function alternation(terms: readonly string[], gone: ReadonlySet<string>): string {
  const spelled = terms.map(squash).filter((term) => !gone.has(term));
  return spelled.length === 0 ? NEVER : spelled.join('|');
}

function singular(word: string): string {
  return word.endsWith('s') ? word.slice(0, -1) : word;
}

function lastWord({ squashed, bounds }: Words): string {
  // Digits after the word number it: `password_hint_2`.
  for (let index = bounds.length - 2; index >= 0; index--) {
    const word = squashed.slice(bounds[index], bounds[index + 1]);
    if (index === 0 || !/^\d+$/.test(word)) return word;
  }
  return '';
}

/** The shortest beginnings that keep the terms apart from most words; a term that contains another needs none of its own. */
function stemsOf(terms: readonly string[]): readonly string[] {
  const stems = [...new Set(terms.map((term) => term.slice(0, 5)))];
  return stems
    .filter((stem) => !stems.some((other) => other !== stem && stem.includes(other)))
    .map((stem) => stem.replace(/[^\p{L}\p{N}]/gu, '\\$&'));
}

/** Digits and signs that stand for letters (`p4$$w0rd`) put back; undefined if there are none among letters. */
function unmask(name: string): string | undefined {
  if (!/[a-z][0134578$@!]|[$@!|0134578][a-z]/i.test(name)) return undefined;
  return name.replace(/[0134578$@!|]/g, (sign) => SIGNS[sign] ?? sign);
}

const SIGNS: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '8': 'b',
  $: 's',
  '@': 'a',
  '!': 'i',
  '|': 'l',
};
