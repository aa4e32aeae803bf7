/**
 * Tells in one pass, a table look-up a character, whether a text may hold anything worth a closer look.
 *
 * Bit-parallel matching (shift-and): each sequence owns a run of bits of one 32-bit state; a bit moves up while the
 * characters keep fitting. `state = ((state << 1) | SIGNAL_STARTS) & SIGNAL_TABLE[character]`, and all states or-ed
 * together are tested against SIGNAL_ENDS. The JSON scanner repeats these lines in its loop, where a call would cost more.
 */

const NOT_STOPS = Array.from({ length: 129 }, (_, code) => String.fromCharCode(code))
  .filter((character) => character >= ' ' && character !== '"' && character !== '\\')
  .join('');
const ANY_TOKEN = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+/.=~';
const DIGITS = '0123456789';
const GROUPED = `${DIGITS} -./_`;

/** One entry a sequence: the characters that fit at each place. 32 places in all. */
const SEQUENCES: readonly (readonly string[])[] = [
  // Every character but those that end or escape in a JSON string: there the state is zero, and the loop needs no other test.
  [NOT_STOPS],
  // Assignments, quotes, elements, escapes.
  ['=:<%'],
  // Anything beyond ASCII: index 128 of the table.
  ['\x80'],
  // `is `, and the middle of `password`, `passphrase`, `passcode`, `sshpass`: what follows them by a space only.
  ['iIsS', 'sS', ' wWpPcC'],
  // Options of a command: `--token x`, ` -p x`.
  ['- ', '-'],
  // The end of `Bearer ` and `Basic `.
  ['rRsS', 'eEiI', 'rRcC', ' +'],
  // Cards, IBANs, social security numbers.
  [DIGITS, ...repeat(GROUPED, 6)],
  // Tokens and keys of vendors, base64, JWTs.
  repeat(ANY_TOKEN, 13),
];

export const SIGNAL_TABLE = new Int32Array(129);
export const SIGNAL_STARTS = build();
export const SIGNAL_ENDS = ends();

const QUOTE = 34;

/** True unless nothing in `text` can be a secret by its value. */
export function isSuspicious(text: string): boolean {
  let state = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    state = ((state << 1) | SIGNAL_STARTS) & (SIGNAL_TABLE[code < 128 ? code : 128] ?? 0);
    if ((state & SIGNAL_ENDS) !== 0 || code === QUOTE) return true;
  }
  return false;
}

function build(): number {
  let starts = 0;
  let bit = 0;
  for (const sequence of SEQUENCES) {
    starts |= 1 << bit;
    for (const characters of sequence) {
      for (const character of characters) {
        const code = character.charCodeAt(0);
        SIGNAL_TABLE[code] = (SIGNAL_TABLE[code] ?? 0) | (1 << bit);
      }
      bit++;
    }
  }
  return starts;
}

function ends(): number {
  let mask = 0;
  let bit = 0;
  for (const sequence of SEQUENCES.slice(1)) {
    bit += sequence.length;
    mask |= 1 << bit;
  }
  return mask;
}

function repeat(characters: string, times: number): readonly string[] {
  return Array.from({ length: times }, () => characters);
}
