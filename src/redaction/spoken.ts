/** Finds passwords that follow their name as people write: `password "x"`, `my password's x`, `pwd/x`, `the password you asked for: x`. */

import type { Engine } from './engine.js';
import { SENSITIVE } from './keys.js';
import type { Range } from './tokens.js';

export function findSpoken(text: string, engine: Engine, ranges: Range[]): void {
  if (!HINT.test(text)) return;
  for (const match of text.matchAll(SPOKEN)) {
    const [whole, name = '', quote = '', found = ''] = match;
    const value = quote === '' ? found.replace(/[.,;:!?)\]}]+$/, '') : found;
    if (!isUnlikeWords(value, quote !== '') || (engine.keys.verdict(name) & SENSITIVE) === 0) continue;
    const from = match.index + whole.length - found.length;
    ranges.push([from, from + value.length]);
  }
}

const HINT = /pass(?:word|wd|phrase|code)|pwd|passwort|secret|token|api.?key/i;
/** The value ends the match. Only names that hardly ever mean anything else: `session 4b` may be a lesson. */
const SPOKEN =
  /(?<![\w-])((?:[a-z]{1,12}[_ -])?(?:pass(?:word|wd|phrase|code)|pwd|passwort|secret|token|api[_ -]?key))(?:'s)?(?:\/|(?:[ \t]{1,4}(?:-|\u2192)|(?: [a-z']{1,16}){1,6}:){0,1}[ \t]{1,4})\\?(["'`]?)([^\s"'`\\]{6,256})/gi;
/** Names of algorithms and formats, which have digits too. */
const TERM = /^(?:sha|md|aes|rsa|hs|rs|es|ps|utf|base|oauth|argon|pbkdf|bcrypt|scrypt|ed|rfc|iso|v)[-_]?\d/i;

/** In quotes a digit, a sign or a capital within; without, letters of both cases or eight characters, with a digit. */
function isUnlikeWords(value: string, quoted: boolean): boolean {
  if (TERM.test(value) || /^[[{(<$]/.test(value)) return false;
  if (quoted) return /[^A-Za-z'_.-]|[a-z][A-Z]/.test(value);
  return (
    /^[\w!@#$%^&*+~-]+$/.test(value) &&
    /\d/.test(value) &&
    /[A-Za-z]/.test(value) &&
    (/[a-z].*[A-Z]|[A-Z].*[a-z]/.test(value) || value.length >= 8) &&
    !UUID.test(value)
  );
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
