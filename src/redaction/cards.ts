/** Numbers that prove themselves: payment cards by issuer, length and check digit, US social security numbers by range. */

/** One issuer range: first digits from, to (inclusive), lengths. */
type Range = readonly [from: number, to: number, shortest: number, longest: number];

/** @see https://en.wikipedia.org/wiki/Payment_card_number#Issuer_identification_number_(IIN) */
const RANGES: readonly Range[] = [
  [4, 4, 13, 19],
  [51, 55, 16, 16],
  [2221, 2720, 16, 16],
  [34, 34, 15, 15],
  [37, 37, 15, 15],
  [300, 305, 14, 19],
  [3095, 3095, 14, 19],
  [36, 36, 14, 19],
  [38, 39, 14, 19],
  [3528, 3589, 16, 19],
  [6011, 6011, 16, 19],
  [644, 659, 16, 19],
  [62, 62, 16, 19],
  [81, 82, 16, 19],
  [60, 60, 16, 16],
  [508, 508, 16, 16],
  [2200, 2204, 16, 19],
  [9792, 9792, 16, 16],
  [506099, 506198, 16, 19],
  [5018, 5018, 12, 19],
  [5020, 5020, 12, 19],
  [5038, 5038, 12, 19],
  [5893, 5893, 12, 19],
  [6304, 6304, 12, 19],
  [6759, 6763, 12, 19],
  [5610, 5610, 16, 16],
];
// Visa cards have 13, 16 or 19 digits; 14, 15, 17 and 18 are other things.
const VISA_LENGTHS: ReadonlySet<number> = new Set([13, 16, 19]);

export const SHORTEST_CARD = 12;
export const LONGEST_CARD = 19;

/** A number as JSON writes it. */
export function isCardNumber(written: string): boolean {
  if (/^-?\d+$/.test(written)) return isCard(written.replace('-', ''));
  const value = Math.abs(Number(written));
  return Number.isInteger(value) && value < 1e19 && isCard(BigInt(value).toString());
}

/** Digits only. */
export function isCard(digits: string): boolean {
  if (digits.length < SHORTEST_CARD || digits.length > LONGEST_CARD) return false;
  if (digits[0] === '4' && !VISA_LENGTHS.has(digits.length)) return false;
  return hasIssuer(digits) && passesLuhn(digits);
}

function hasIssuer(digits: string): boolean {
  const six = Number(digits.slice(0, 6));
  for (const [from, to, shortest, longest] of RANGES) {
    if (digits.length < shortest || digits.length > longest) continue;
    const head = Math.floor(six / 10 ** (6 - String(from).length));
    if (head >= from && head <= to) return true;
  }
  return false;
}

function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index++) {
    const digit = digits.charCodeAt(digits.length - 1 - index) - 48;
    const doubled = index % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** Nine digits in groups of 3, 2 and 4 that the Social Security Administration may have issued. */
export function isSocialSecurityNumber(area: string, group: string, serial: string): boolean {
  return area !== '000' && area !== '666' && area < '900' && group !== '00' && serial !== '0000';
}
