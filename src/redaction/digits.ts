/** Finds cards, IBANs and social security numbers among the digits of a text, however they are grouped. */

import { isCard, isSocialSecurityNumber, LONGEST_CARD, SHORTEST_CARD } from './cards.js';
import { ibanLengthOf, isIban } from './iban.js';
import type { Range } from './tokens.js';

/** `cut`: the text's end is missing, so digits at the end may be the beginning of a number that has to go. */
export function findNumbers(text: string, cut: boolean, ranges: Range[]): void {
  for (const group of text.matchAll(GROUPS)) {
    if (!isHexadecimal(text, group.index, group.index + group[0].length)) findCards(text, group[0], group.index, ranges);
  }
  for (const match of text.matchAll(SSN)) {
    if (isSocialSecurityNumber(match[1] ?? '', match[3] ?? '', match[4] ?? '')) ranges.push([match.index, match.index + match[0].length]);
  }
  findIbans(text, ranges);
  const open = cut ? OPEN_END.exec(text.slice(-64)) : null;
  if (open !== null && open[0].replace(/\D/g, '').length >= 5) ranges.push([text.length - open[0].length, text.length]);
  const iban = cut ? OPEN_IBAN.exec(text.slice(-64)) : null;
  if (iban !== null && ibanLengthOf(iban[0].slice(0, 2).toUpperCase()) > 0) ranges.push([text.length - iban[0].length, text.length]);
}

/** Digits with at most two separators between any two. The lookbehind keeps a run from being tried again from within. */
const GROUPS = /(?<![0-9])[0-9](?:[ \-./_\u200b]{0,2}[0-9]){11,}/g;
const SSN = /(?<![0-9A-Za-z]|[0-9][-.])([0-9]{3})([- .\u200b])([0-9]{2})\2([0-9]{4})(?![0-9]|[-.][0-9])/g;
const OPEN_END = /(?<![0-9A-Za-z])[0-9](?:[ \-./_\u200b]{0,2}[0-9])*[ \-./_\u200b]{0,2}$/;
const IBAN = /(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?:[ \-\u200b]?[A-Za-z0-9]){11,30}/g;
const OPEN_IBAN = /(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]){4,30}$/;

/** Numbers may stand side by side (`2024 4111 1111 1111 1111`), so a card may begin and end at any group. */
function findCards(text: string, run: string, offset: number, ranges: Range[]): void {
  const places: number[] = [];
  let digits = '';
  for (let index = 0; index < run.length; index++) {
    const code = run.charCodeAt(index);
    if (code < 48 || code > 57) continue;
    digits += run[index];
    places.push(index);
  }
  let first = 0;
  while (first + SHORTEST_CARD <= digits.length) {
    const length = cardLengthAt(digits, places, first);
    if (length > 0 && !isFraction(text, offset + (places[first] ?? 0), offset + (places[first + length - 1] ?? 0) + 1)) {
      ranges.push([offset + (places[first] ?? 0), offset + (places[first + length - 1] ?? 0) + 1]);
      first += length;
    } else {
      do first++;
      while (first < digits.length && (places[first] ?? 0) - (places[first - 1] ?? 0) === 1);
    }
  }
}

function cardLengthAt(digits: string, places: readonly number[], first: number): number {
  for (let length = Math.min(LONGEST_CARD, digits.length - first); length >= SHORTEST_CARD; length--) {
    const next = first + length;
    const endsGroup = next === digits.length || (places[next] ?? 0) - (places[next - 1] ?? 0) > 1;
    if (endsGroup && isCard(digits.slice(first, next))) return length;
  }
  return 0;
}

/** Digits of a UUID or a hash: letters a to f in the same run, and no other. */
function isHexadecimal(text: string, from: number, to: number): boolean {
  const before = /[A-Za-z0-9-]{0,40}$/.exec(text.slice(Math.max(0, from - 40), from))?.[0] ?? '';
  const after = /^[A-Za-z0-9-]{0,40}/.exec(text.slice(to, to + 40))?.[0] ?? '';
  return /[a-f]/i.test(before + after) && !/[g-z]/i.test(before + after);
}

/** `0.4242424242424242` */
function isFraction(text: string, from: number, to: number): boolean {
  return text[from - 1] === '.' && /[0-9]/.test(text[from - 2] ?? '') && /^[0-9]+$/.test(text.slice(from, to));
}

function findIbans(text: string, ranges: Range[]): void {
  IBAN.lastIndex = 0;
  for (let match = IBAN.exec(text); match !== null; match = IBAN.exec(text)) {
    const length = ibanLengthOf(match[0].slice(0, 2).toUpperCase());
    let to = 0;
    let taken = 0;
    while (taken < length && to < match[0].length) if (/[A-Za-z0-9]/.test(match[0][to++] ?? '')) taken++;
    const end = match.index + to;
    if (length > 0 && taken === length && !/[A-Za-z0-9]/.test(text[end] ?? '') && isIban(match[0].slice(0, to))) {
      ranges.push([match.index, end]);
      IBAN.lastIndex = end;
    } else IBAN.lastIndex = match.index + 4;
  }
}
