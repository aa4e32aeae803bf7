/** The parts of a JSON scan that are rare, or that change the text. Offsets go in and come out; -1: this is not JSON. */

import { isCardNumber } from './cards.js';
import { Edits } from './edits.js';
import type { Engine } from './engine.js';
import type { RedactedJson } from './json.js';
import { type Frame, JsonFrames } from './json-frames.js';
import { endOfNumber } from './json-number.js';
import { isClosed, skipJsonString, skipJsonValue } from './json-skip.js';
import { decodeJsonString, endOfWholeEscapes, quoteJson, sanitizeJsonString } from './json-string.js';
import { ACTION_SHIFT, COMPLETION, ODD, QUESTION, SENSITIVE } from './keys.js';
import type { Codes } from './memo.js';
import { MASK } from './redactor.js';
import { isSuspicious } from './signals.js';

const QUOTE = 34;
const COLON = 58;
const OPEN_BRACE = 123;
const OPEN_BRACKET = 91;

// What is nested deeper is masked: PostgreSQL's json parser recurses, and some 6000 levels exhaust its default stack.
const MAX_NESTING = 1000;

export class JsonParts {
  readonly #text: string;
  readonly #codes: Codes;
  readonly #engine: Engine;
  readonly #depth: number;
  readonly #cut: boolean;
  readonly #edits = new Edits();
  #ended = false;

  readonly frames: JsonFrames;
  /** Everything before is complete; at a cut the rest goes. */
  whole = 0;
  /** The verdict on the member whose key was read last; sensitive if its value is to be hidden. */
  verdict = 0;
  /** Where that key stands, between its quotes. */
  keyFrom = -1;
  keyTo = -1;

  constructor(text: string, codes: Codes, engine: Engine, depth: number, cut: boolean) {
    this.#text = text;
    this.#codes = codes;
    this.#engine = engine;
    this.#depth = depth;
    this.#cut = cut;
    this.frames = new JsonFrames(text, codes, engine, this.#edits);
  }

  /** A key with escapes or control characters, or one whose end is missing. */
  oddKey(from: number): number {
    const text = this.#text;
    const to = skipJsonString(text, from - 1) - 1;
    if (!isClosed(text, from - 1, to + 1)) return this.#end();
    const decoded = decodeJsonString(text.slice(from, to));
    if (decoded === undefined) return -1;
    const verdict = this.#engine.keys.verdict(decoded);
    if ((verdict & ODD) === 0) this.#sanitize(from, to);
    return this.key(verdict, from, to);
  }

  /** The offset of the member's value. */
  key(verdict: number, from: number, to: number): number {
    const text = this.#text;
    if ((verdict & ODD) !== 0) {
      const name = decodeJsonString(text.slice(from, to)) ?? '';
      this.#edits.add(from - 1, to + 1, quoteJson(this.#engine.string(name, this.#depth, false)));
    }
    this.keyFrom = from;
    this.keyTo = to;
    const colon = skipSpace(text, to + 1);
    if (colon >= text.length) return this.#end();
    if (text.charCodeAt(colon) !== COLON) return -1;
    const value = skipSpace(text, colon + 1);
    if (value >= text.length) return this.#end();
    this.verdict = this.#judge(verdict, value);
    if ((this.verdict & SENSITIVE) === 0) this.frames.keep();
    return value;
  }

  #judge(plain: number, value: number): number {
    const { frames } = this;
    const verdict = (plain & (SENSITIVE | COMPLETION)) === COMPLETION ? plain | frames.verdictBelow(this.keyFrom, this.keyTo) : plain;
    const hides = (verdict & SENSITIVE) !== 0 ? verdict : frames.pairVerdict(verdict);
    if ((hides & SENSITIVE) === 0) return verdict & ~QUESTION;
    const shown =
      ((hides & QUESTION) !== 0 && literalAt(this.#text, value) > 0) || this.#engine.allows?.(frames.path(this.keyFrom, this.keyTo));
    return shown ? verdict & ~(SENSITIVE | QUESTION) : hides | SENSITIVE;
  }

  /** Replaces the value at `from`, or drops its member. */
  hide(from: number): number {
    const text = this.#text;
    const to = skipJsonValue(text, from);
    if (to === from) return -1;
    const code = text.charCodeAt(from);
    const scalar = code !== OPEN_BRACE && code !== OPEN_BRACKET;
    const closed = isClosed(text, from, to);
    const written = code === QUOTE ? decodeJsonString(text.slice(from + 1, to - 1)) : text.slice(from, to);
    const replacement = this.#engine.replace(this.verdict >> ACTION_SHIFT, closed ? (written ?? MASK) : MASK, scalar);
    if (replacement === undefined) this.frames.drop(this.keyFrom - 1, to);
    else {
      this.#edits.add(from, to, quoteJson(replacement));
      this.frames.keep();
    }
    if (!closed) this.#ended = true;
    this.whole = to;
    return to;
  }

  string(from: number, to: number): void {
    const value = this.#text.slice(from, to);
    const redacted = this.#engine.string(value, this.#depth, false);
    if (redacted !== value) this.#edits.add(from - 1, to + 1, quoteJson(redacted));
  }

  /** A string with escapes or control characters, or one whose end is missing. */
  oddString(from: number): number {
    const text = this.#text;
    const after = skipJsonString(text, from - 1);
    const closed = isClosed(text, from - 1, after);
    const whole = closed ? after - 1 : from + endOfWholeEscapes(text.slice(from));
    const value = decodeJsonString(text.slice(from, whole));
    if (value === undefined) return -1;
    const looked = !closed || this.#engine.thorough || isSuspicious(value);
    const redacted = looked ? this.#engine.string(value, this.#depth, !closed) : value;
    if (redacted !== value) this.#edits.add(from - 1, after, quoteJson(redacted));
    else if (closed) this.#sanitize(from, whole);
    else this.#edits.mend(from - 1, after, `"${sanitizeJsonString(text.slice(from, whole))}"`);
    if (!closed) this.#ended = this.frames.cut = true;
    return after;
  }

  /** A container begins; beyond the deepest level it is masked, and the offset is the one after it. */
  open(array: boolean, from: number, verdict: number): number {
    if (this.frames.depth < MAX_NESTING) {
      this.frames.push(array, from, this.keyFrom, this.keyTo, verdict);
      this.whole = from + 1;
      return from + 1;
    }
    const to = skipJsonValue(this.#text, from);
    this.#edits.add(from, to, quoteJson(MASK));
    if (!isClosed(this.#text, from, to)) this.#ended = true;
    return to;
  }

  /** The container that ends before `to` is a value of the one around it. */
  close(frame: Frame, to: number): void {
    const { frames } = this;
    frames.pop(frame, -1);
    this.keyFrom = frame.keyFrom;
    this.keyTo = frame.keyTo;
    this.whole = to;
    const { top } = frames;
    if (top?.array) frames.element(top, frame.from, to);
    else if (top !== undefined && frame.verdict !== 0) frames.member(top, frame.from, to, frame.verdict);
  }

  number(from: number): number {
    const text = this.#text;
    const to = endOfNumber(this.#codes, from);
    if (to < 0) return to;
    if (to >= text.length && !isDigit(this.#codes[to - 1] as number) && !this.#cut && this.frames.top === undefined) return -1;
    if (to >= text.length && (this.#cut || this.frames.top !== undefined)) {
      // Half a number is another number.
      this.#edits.mend(from, to, 'null');
      this.#ended = true;
    } else if (to - from >= 12 && isCardNumber(text.slice(from, to))) this.#edits.add(from, to, quoteJson(MASK));
    return to;
  }

  literal(from: number): number {
    const text = this.#text;
    const length = LITERAL_LENGTHS[(this.#codes[from] as number) & 31] as number;
    if (length > 0 && literalAt(text, from) === length) return from + length;
    const rest = text.slice(from, from + 5);
    if (from + rest.length < text.length || !LITERALS.some((literal) => literal.startsWith(rest))) return -1;
    this.#edits.mend(from, text.length, 'null');
    this.#ended = true;
    return text.length;
  }

  /** `separators`: what stands between values of a sequence and in no single JSON text. */
  finish(values: number, separators: number): RedactedJson | undefined {
    const open = this.frames.top !== undefined;
    if (!open && values === 0) return undefined;
    const closers = this.frames.closeAll(this.whole);
    const text = this.#edits.apply(this.#text, open ? this.whole : this.#text.length) + closers;
    return { text, values: values + (open ? 1 : 0) + separators, cut: open || this.#ended, hidden: this.#edits.hidden > 0 };
  }

  #sanitize(from: number, to: number): void {
    const raw = this.#text.slice(from, to);
    const clean = sanitizeJsonString(raw);
    if (clean !== raw) this.#edits.mend(from - 1, to + 1, `"${clean}"`);
  }

  /** The text ends inside a key or before its value. */
  #end(): number {
    this.#ended = true;
    this.verdict = 0;
    return this.#text.length;
  }
}

const LITERALS: readonly string[] = ['true', 'false', 'null'];

// By the letters t, f and n.
const LITERAL_LENGTHS = Uint8Array.from({ length: 32 }, (_, letter) => (letter === 20 || letter === 14 ? 4 : letter === 6 ? 5 : 0));

function literalAt(text: string, from: number): number {
  for (const literal of LITERALS) if (text.startsWith(literal, from)) return literal.length;
  return 0;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function skipSpace(text: string, from: number): number {
  let index = from;
  while (index < text.length) {
    const code = text.charCodeAt(index);
    if (code !== 32 && code !== 10 && code !== 13 && code !== 9) break;
    index++;
  }
  return index;
}
