/** Splits a name into its words: `XApi-Key2` is x, api, key, 2. */

import { foldName } from './fold.js';

/** A name without its separators, in lower case, and where its words begin in that. */
export interface Words {
  readonly squashed: string;
  /** Offsets of the words' beginnings, ascending, then the length. */
  readonly bounds: readonly number[];
}

export function splitWords(name: string): Words {
  const folded = foldName(name);
  const bounds: number[] = [];
  let squashed = '';
  let before = OTHER;
  for (let index = 0; index < folded.length; index++) {
    const kind = kindAt(folded, index);
    if (kind !== OTHER) {
      if (beginsWord(before, kind, folded, index)) bounds.push(squashed.length);
      squashed += folded[index];
    }
    before = kind;
  }
  bounds.push(squashed.length);
  const lower = squashed.toLowerCase();
  return { squashed: lower.length === squashed.length ? lower : squashed, bounds };
}

/** The spelling under which terms are compared. */
export function squash(name: string): string {
  return splitWords(name).squashed;
}

const OTHER = 0;
const LOWER = 1;
const UPPER = 2;
const DIGIT = 3;

const LETTER_OR_DIGIT = /[\p{L}\p{N}]/u;

function kindAt(text: string, index: number): number {
  const code = text.charCodeAt(index);
  if (code >= 97 && code <= 122) return LOWER;
  if (code >= 65 && code <= 90) return UPPER;
  if (code >= 48 && code <= 57) return DIGIT;
  if (code < 128) return OTHER;
  // Surrogates count as letters: where a pair is split does not matter, it is compared as a whole.
  return (code >= 0xd800 && code <= 0xdfff) || LETTER_OR_DIGIT.test(text[index] ?? '') ? LOWER : OTHER;
}

function beginsWord(before: number, kind: number, text: string, index: number): boolean {
  if (before === OTHER) return true;
  if (before === LOWER) return kind !== LOWER;
  if (before === DIGIT) return kind !== DIGIT;
  if (kind === DIGIT) return true;
  // In `APIKey` the K begins a word: a capital after a capital and before a small letter.
  return kind === UPPER && index + 1 < text.length && kindAt(text, index + 1) === LOWER;
}
