/**
 * Redacts JSON in its text: one pass over the characters, no tree, and what is harmless is copied as it was written. Must
 * never let a malformed text through: the result is valid JSON, or undefined.
 */

import { isCardNumber } from './cards.js';
import { createEdits, type Edits } from './edits.js';
import type { Engine } from './engine.js';
import { type Frame, JsonFrames } from './json-frames.js';
import { isClosed, skipJsonString, skipJsonValue } from './json-skip.js';
import { decodeJsonString, endOfWholeEscapes, quoteJson, sanitizeJsonString } from './json-string.js';
import { ACTION_SHIFT, COMPLETION, ODD, QUESTION, SENSITIVE } from './keys.js';
import { MASK } from './redactor.js';
import { isSuspicious, SIGNAL_ENDS, SIGNAL_STARTS, SIGNAL_TABLE } from './signals.js';

export interface RedactedJson {
  readonly text: string;
  /** Values one after another: 1 is a JSON text, more are JSON lines. */
  readonly values: number;
  /** The end was missing and `text` has been closed. */
  readonly cut: boolean;
  /** Whether anything was hidden. */
  readonly hidden: boolean;
}

/** `cut`: there was more than `text`. `depth` counts formats within formats. Undefined: not JSON. */
export function redactJson(text: string, engine: Engine, depth: number, cut: boolean): RedactedJson | undefined {
  return new JsonScan(text, engine, depth, cut).run();
}

const VALUE = 0;
const VALUE_OR_CLOSE = 1;
const KEY = 2;
const KEY_OR_CLOSE = 3;
const AFTER = 4;

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

// Local names: an import is looked up at each use, which the inner loop cannot afford.
const TABLE = SIGNAL_TABLE;
const STARTS = SIGNAL_STARTS;
const ENDS = SIGNAL_ENDS;

// What is nested deeper is masked: PostgreSQL's json parser recurses, and 6000 levels exhaust its default stack.
const MAX_NESTING = 1000;

class JsonScan {
  readonly #text: string;
  readonly #engine: Engine;
  readonly #depth: number;
  readonly #cut: boolean;
  readonly #edits: Edits = createEdits();
  readonly #frames: JsonFrames;
  #index = 0;
  #state = VALUE;
  #values = 0;
  /** Everything before is complete; at a cut the rest goes. */
  #whole = 0;
  /** The current member's key, between its quotes, and the verdict on it. */
  #verdict = 0;
  #keyFrom = -1;
  #keyTo = -1;
  #failed = false;
  #ended = false;

  constructor(text: string, engine: Engine, depth: number, cut: boolean) {
    this.#text = text;
    this.#engine = engine;
    this.#depth = depth;
    this.#cut = cut;
    this.#frames = new JsonFrames(text, engine, this.#edits);
  }

  run(): RedactedJson | undefined {
    const text = this.#text;
    while (!this.#failed) {
      let index = this.#index;
      let code = text.charCodeAt(index);
      while (code === 32 || code === 10 || code === 13 || code === 9) code = text.charCodeAt(++index);
      this.#index = index;
      if (index >= text.length) break;
      this.#token(code);
    }
    return this.#failed ? undefined : this.#finish();
  }

  #token(code: number): void {
    switch (this.#state) {
      case AFTER:
        return this.#after(code);
      case KEY_OR_CLOSE:
        if (code === CLOSE_BRACE) return this.#close(false);
        return code === QUOTE ? this.#key() : this.#fail();
      case KEY:
        return code === QUOTE ? this.#key() : this.#fail();
      case VALUE_OR_CLOSE:
        return code === CLOSE_BRACKET ? this.#close(true) : this.#value(code);
      default:
        return this.#value(code);
    }
  }

  #after(code: number): void {
    const frame = this.#frames.top;
    if (frame === undefined) {
      this.#state = VALUE;
      return;
    }
    if (code === COMMA) {
      this.#frames.comma(frame, this.#index);
      this.#index++;
      this.#state = frame.array ? VALUE : KEY;
    } else if (code === CLOSE_BRACE) this.#close(false);
    else if (code === CLOSE_BRACKET) this.#close(true);
    else this.#fail();
  }

  #key(): void {
    const text = this.#text;
    const from = this.#index + 1;
    let to = from;
    let hash = 0;
    let code = 0;
    while (to < text.length) {
      code = text.charCodeAt(to);
      if (code === QUOTE || code === BACKSLASH || code < 32) break;
      hash = (Math.imul(hash, 31) + code) | 0;
      to++;
    }
    let verdict: number;
    if (to < text.length && code === QUOTE) verdict = this.#engine.keys.verdictAt(text, from, to, hash);
    else {
      to = skipJsonString(text, from - 1) - 1;
      if (to < from || text.charCodeAt(to) !== QUOTE || !isClosed(text, from - 1, to + 1)) return this.#end();
      const decoded = decodeJsonString(text.slice(from, to));
      if (decoded === undefined) return this.#fail();
      verdict = this.#engine.keys.verdict(decoded);
      if ((verdict & ODD) === 0) this.#sanitize(from, to);
    }
    if ((verdict & ODD) !== 0) {
      const name = decodeJsonString(text.slice(from, to)) ?? '';
      this.#edits.add(from - 1, to + 1, quoteJson(this.#engine.string(name, this.#depth, false)));
    }
    this.#keyFrom = from;
    this.#keyTo = to;
    this.#member(verdict, to + 1);
  }

  #member(plain: number, afterKey: number): void {
    const text = this.#text;
    const colon = this.#skipSpace(afterKey);
    if (colon >= text.length) return this.#end();
    if (text.charCodeAt(colon) !== COLON) return this.#fail();
    const from = this.#skipSpace(colon + 1);
    if (from >= text.length) return this.#end();
    const verdict =
      (plain & (SENSITIVE | COMPLETION)) === COMPLETION ? plain | this.#frames.verdictBelow(this.#keyFrom, this.#keyTo) : plain;
    this.#verdict = verdict;
    this.#index = from;
    const hidden = (verdict & SENSITIVE) !== 0 ? verdict : this.#frames.pairVerdict(verdict);
    if ((hidden & SENSITIVE) !== 0 && !((hidden & QUESTION) !== 0 && this.#literalAt(from) > 0) && !this.#allowed())
      this.#hide(from, hidden >> ACTION_SHIFT);
    else {
      this.#state = VALUE;
      this.#frames.keep();
    }
  }

  #allowed(): boolean {
    const { allows } = this.#engine;
    return allows?.(this.#frames.path(this.#keyFrom, this.#keyTo)) ?? false;
  }

  #hide(from: number, action: number): void {
    const text = this.#text;
    const to = skipJsonValue(text, from);
    if (to === from) return this.#fail();
    const code = text.charCodeAt(from);
    const scalar = code !== OPEN_BRACE && code !== OPEN_BRACKET;
    const written = code === QUOTE ? decodeJsonString(text.slice(from + 1, to - 1)) : text.slice(from, to);
    const closed = isClosed(text, from, to);
    const replacement = closed && written !== undefined ? this.#engine.replace(action, written, scalar) : MASK;
    if (replacement === undefined) this.#frames.drop(this.#keyFrom - 1, to);
    else {
      this.#edits.add(from, to, quoteJson(replacement));
      this.#frames.keep();
    }
    this.#index = to;
    this.#whole = to;
    this.#state = AFTER;
    if (!closed) this.#ended = true;
  }

  #value(code: number): void {
    if (code === QUOTE) this.#string();
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) this.#open(code === OPEN_BRACKET);
    else if (code === 45 || (code >= 48 && code <= 57)) this.#number();
    else if (code === RECORD_SEPARATOR && this.#frames.top === undefined) this.#index++;
    else this.#literal();
  }

  #open(array: boolean): void {
    if (this.#frames.depth >= MAX_NESTING) {
      const to = skipJsonValue(this.#text, this.#index);
      this.#edits.add(this.#index, to, quoteJson(MASK));
      if (!isClosed(this.#text, this.#index, to)) this.#ended = true;
      this.#done(this.#index, to);
      return;
    }
    this.#frames.push(array, this.#index, this.#keyFrom, this.#keyTo, this.#verdict);
    this.#index++;
    this.#whole = this.#index;
    this.#state = array ? VALUE_OR_CLOSE : KEY_OR_CLOSE;
  }

  #close(array: boolean): void {
    const frame: Frame | undefined = this.#frames.top;
    if (frame === undefined || frame.array !== array) return this.#fail();
    this.#frames.pop(frame, false);
    this.#keyFrom = frame.keyFrom;
    this.#keyTo = frame.keyTo;
    this.#verdict = frame.verdict;
    this.#done(frame.from, this.#index + 1);
  }

  #string(): void {
    const text = this.#text;
    const length = text.length;
    const from = this.#index + 1;
    let to = from;
    let code = 0;
    let state = 0;
    let seen = 0;
    while (to < length) {
      code = text.charCodeAt(to);
      if (code === QUOTE || code === BACKSLASH || code < 32) break;
      state = ((state << 1) | STARTS) & (TABLE[code < 128 ? code : 128] as number);
      seen |= state;
      to++;
    }
    if (to < length && code === QUOTE) {
      if ((seen & ENDS) !== 0 || this.#engine.thorough) {
        const value = text.slice(from, to);
        const redacted = this.#engine.string(value, this.#depth, false);
        if (redacted !== value) this.#edits.add(from - 1, to + 1, quoteJson(redacted));
      }
      this.#done(from - 1, to + 1);
    } else this.#oddString(from);
  }

  /** A string with escapes or control characters, or one whose end is missing. */
  #oddString(from: number): void {
    const text = this.#text;
    const after = skipJsonString(text, from - 1);
    const closed = isClosed(text, from - 1, after);
    const whole = closed ? after - 1 : from + endOfWholeEscapes(text.slice(from));
    const value = decodeJsonString(text.slice(from, whole));
    if (value === undefined) return this.#fail();
    const redacted = !closed || this.#engine.thorough || isSuspicious(value) ? this.#engine.string(value, this.#depth, !closed) : value;
    if (redacted !== value) this.#edits.add(from - 1, after, quoteJson(redacted));
    else if (closed) this.#sanitize(from, whole);
    else this.#edits.mend(from - 1, after, `"${sanitizeJsonString(text.slice(from, whole))}"`);
    if (!closed) this.#ended = true;
    this.#done(from - 1, after);
  }

  #number(): void {
    const text = this.#text;
    const from = this.#index;
    let to = from;
    while (isNumberPart(text.charCodeAt(to))) to++;
    const digits = to - from;
    // Most numbers are short and whole; the grammar is asked about the others.
    if ((digits > 9 || !isShortInteger(text, from, to)) && !NUMBER.test(text.slice(from, to))) {
      if (to < text.length) return this.#fail();
    }
    if (to >= text.length && (this.#cut || this.#frames.top !== undefined)) {
      // Half a number is another number.
      this.#edits.mend(from, to, 'null');
      this.#ended = true;
    } else if (digits >= 12 && isCardNumber(text.slice(from, to))) this.#edits.add(from, to, quoteJson(MASK));
    this.#done(from, to);
  }

  #literal(): void {
    const from = this.#index;
    const length = this.#literalAt(from);
    if (length > 0) return this.#done(from, from + length);
    const rest = this.#text.slice(from, from + 5);
    if (from + rest.length < this.#text.length || !LITERALS.some((literal) => literal.startsWith(rest))) return this.#fail();
    this.#edits.mend(from, this.#text.length, 'null');
    this.#ended = true;
    this.#done(from, this.#text.length);
  }

  #literalAt(from: number): number {
    for (const literal of LITERALS) if (this.#text.startsWith(literal, from)) return literal.length;
    return 0;
  }

  #done(from: number, to: number): void {
    this.#index = to;
    this.#whole = to;
    this.#state = AFTER;
    if (this.#frames.top === undefined) this.#values++;
    else this.#frames.done(from, to, this.#verdict);
  }

  #sanitize(from: number, to: number): void {
    const raw = this.#text.slice(from, to);
    const clean = sanitizeJsonString(raw);
    if (clean !== raw) this.#edits.mend(from - 1, to + 1, `"${clean}"`);
  }

  #skipSpace(from: number): number {
    let index = from;
    let code = this.#text.charCodeAt(index);
    while (code === 32 || code === 10 || code === 13 || code === 9) code = this.#text.charCodeAt(++index);
    return index;
  }

  #fail(): void {
    this.#failed = true;
  }

  /** The text ends inside a key or before its value. */
  #end(): void {
    this.#ended = true;
    this.#index = this.#text.length;
  }

  #finish(): RedactedJson | undefined {
    const open = this.#frames.top !== undefined;
    if (!open && this.#values === 0) return undefined;
    const closers = this.#frames.closeAll();
    const text = this.#edits.apply(this.#text, open ? this.#whole : this.#text.length) + closers;
    return { text, values: this.#values + (open ? 1 : 0), cut: open || this.#ended, hidden: this.#edits.hidden > 0 };
  }
}

const LITERALS: readonly string[] = ['true', 'false', 'null'];
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

function isNumberPart(code: number): boolean {
  return (code >= 48 && code <= 57) || code === 46 || code === 45 || code === 43 || code === 101 || code === 69;
}

function isShortInteger(text: string, from: number, to: number): boolean {
  if (text.charCodeAt(from) === 48) return to - from === 1;
  for (let index = from; index < to; index++) {
    const code = text.charCodeAt(index);
    if (code < 48 || code > 57) return false;
  }
  return true;
}
