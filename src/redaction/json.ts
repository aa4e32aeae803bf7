/**
 * Redacts JSON in its text: one pass over the characters, no tree, and what is harmless is copied as it was written. Must
 * never let a malformed text through: the result is valid JSON, or undefined.
 */

import type { Engine } from './engine.js';
import type { Frame } from './json-frames.js';
import { JsonParts } from './json-parts.js';
import { SENSITIVE } from './keys.js';
import { codesOf } from './memo.js';
import { SIGNAL_ENDS, SIGNAL_STARTS, SIGNAL_TABLE } from './signals.js';

export interface RedactedJson {
  readonly text: string;
  /** Values one after another: 1 is a JSON text, more are JSON lines. */
  readonly values: number;
  /** The end was missing and `text` has been closed. */
  readonly cut: boolean;
  /** Whether anything was hidden. */
  readonly hidden: boolean;
}

const VALUE = 0;
const VALUE_OR_CLOSE = 1;
const KEY = 2;
const KEY_OR_CLOSE = 3;

const QUOTE = 34;
const BACKSLASH = 92;
const COMMA = 44;
const COLON = 58;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
// RFC 7464: JSON text sequences begin each value with it.
const RECORD_SEPARATOR = 30;

// Local names: an import is looked up at each use, which the inner loops cannot afford.
const TABLE = SIGNAL_TABLE;
const STARTS = SIGNAL_STARTS;
const ENDS = SIGNAL_ENDS;
const HIDES = SENSITIVE;

/**
 * `cut`: there was more than `text`. `depth` counts formats within formats. `ascii`: the text's bytes, if at hand and
 * as many as its units. Undefined: not JSON.
 *
 * The one long function of the package: its loop runs once a member on every body, and takes a third of the time of the
 * same thing in small methods (11.5 and 3.5 µs for 1.1 KB). What is rare is in `JsonParts`.
 */
export function redactJson(text: string, engine: Engine, depth: number, cut: boolean, ascii?: Uint8Array): RedactedJson | undefined {
  const codes = ascii ?? codesOf(text);
  const parts = new JsonParts(text, codes, engine, depth, cut);
  const { keys, thorough } = engine;
  const { frames } = parts;
  const length = codes.length;
  let frame: Frame | undefined;
  let index = 0;
  let state = VALUE;
  let values = 0;
  let separators = 0;
  let verdict = 0;
  scan: for (;;) {
    while (index < length && isSpace(codes[index] as number)) index++;
    if (index >= length) break;
    let code = codes[index] as number;
    let done = false;

    if (state >= KEY) {
      if (code === QUOTE) {
        const from = index + 1;
        let to = from;
        let hash = 0;
        while (to < length) {
          code = codes[to] as number;
          if (code === QUOTE || code === BACKSLASH || code < 32) break;
          hash = (Math.imul(hash, 31) + code) | 0;
          to++;
        }
        const plain = to + 1 < length && code === QUOTE;
        verdict = plain ? keys.verdictAt(text, codes, from, to, hash) : 0;
        if (plain && verdict === 0 && codes[to + 1] === COLON) {
          parts.keyFrom = from;
          parts.keyTo = to;
          if (frame !== undefined) frame.kept = true;
          index = to + 2;
          while (index < length && isSpace(codes[index] as number)) index++;
        } else {
          index = plain ? parts.key(verdict, from, to) : parts.oddKey(from);
          verdict = parts.verdict;
          if (index >= 0 && index < length && (verdict & HIDES) !== 0) {
            index = parts.hide(index);
            done = true;
          }
          if (index < 0) return undefined;
        }
        if (index >= length && !done) break;
        code = codes[index] as number;
      } else if (code !== CLOSE_BRACE || state === KEY || frame === undefined) return undefined;
      else done = true;
    } else if (code === CLOSE_BRACKET && state === VALUE_OR_CLOSE) done = true;

    if (!done) {
      const begin = index;
      if (code === QUOTE) {
        let to = index + 1;
        let fits = 0;
        let seen = 0;
        while (to < length) {
          code = codes[to] as number;
          fits = ((fits << 1) | STARTS) & (TABLE[code < 128 ? code : 128] as number);
          if (fits === 0) break;
          seen |= fits;
          to++;
        }
        if (to < length && code === QUOTE) {
          if ((seen & ENDS) !== 0 || thorough) parts.string(begin + 1, to);
          index = to + 1;
        } else index = parts.oddString(begin + 1);
      } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
        index = parts.open(code === OPEN_BRACKET, begin, verdict);
        if (index === begin + 1) {
          frame = frames.top;
          state = code === OPEN_BRACKET ? VALUE_OR_CLOSE : KEY_OR_CLOSE;
          verdict = 0;
          continue;
        }
      } else if (code === 116 && codes[index + 1] === 114 && codes[index + 2] === 117 && codes[index + 3] === 101) index += 4;
      else if (code >= 48 && code <= 57 && isEnd(codes[index + 1])) index++;
      else if (code === 45 || (code >= 48 && code <= 57)) index = parts.number(begin);
      else if (code === RECORD_SEPARATOR && frame === undefined) {
        index++;
        separators++;
        continue;
      } else index = parts.literal(begin);
      if (index < 0) return undefined;

      parts.whole = index;
      if (frame === undefined) values++;
      else if (frame.array) frames.element(frame, begin, index);
      else if (verdict !== 0) frames.member(frame, begin, index, verdict);
    }

    for (;;) {
      while (index < length && isSpace(codes[index] as number)) index++;
      if (index >= length) break scan;
      if (frame === undefined) {
        state = VALUE;
        break;
      }
      code = codes[index] as number;
      if (code === COMMA) {
        if (frame.tracksCommas) frames.comma(frame, index);
        index++;
        state = frame.array ? VALUE : KEY;
        break;
      }
      if (code !== (frame.array ? CLOSE_BRACKET : CLOSE_BRACE)) return undefined;
      index++;
      parts.close(frame, index);
      frame = frames.top;
      if (frame === undefined) values++;
    }
  }
  return parts.finish(values, separators);
}

/** What mostly stands after a value. */
function isEnd(code: number | undefined): boolean {
  return code === COMMA || code === CLOSE_BRACE || code === CLOSE_BRACKET;
}

function isSpace(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9;
}
