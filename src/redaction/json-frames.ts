/** The open containers of a JSON scan, and the rules that need more than one member: pairs, parents' keys, dropped members. */

import type { Edits } from './edits.js';
import type { Engine } from './engine.js';
import { decodeJsonString, quoteJson } from './json-string.js';
import { NAME_SHIFT, SENSITIVE, VALUE_SHIFT } from './keys.js';
import type { Codes } from './memo.js';
import { MASK } from './redactor.js';

export interface Frame {
  array: boolean;
  from: number;
  /** The container's own key; in an array, the array's. */
  keyFrom: number;
  keyTo: number;
  verdict: number;
  /** Where its entries in the lists of names and of pending values begin. */
  names: number;
  pending: number;
  /** Values so far, in arrays. */
  count: number;
  /** Whether a member stays, where the last comma was, and whether the next one goes: for members that are dropped. */
  kept: boolean;
  tracksCommas: boolean;
  comma: number;
  eatComma: boolean;
}

export class JsonFrames {
  readonly #text: string;
  readonly #codes: Codes;
  readonly #engine: Engine;
  readonly #edits: Edits;
  readonly #stack: Frame[] = [];
  /** From, to and strength of each string that may name a sibling. */
  readonly #names: number[] = [];
  #namesEnd = 0;
  /** From, to and strength of each value that a later sibling may name. */
  readonly #pending: number[] = [];
  #pendingEnd = 0;

  depth = 0;
  /** The last string has no end: it names nothing. */
  cut = false;
  top: Frame | undefined = undefined;

  constructor(text: string, codes: Codes, engine: Engine, edits: Edits) {
    this.#text = text;
    this.#codes = codes;
    this.#engine = engine;
    this.#edits = edits;
  }

  push(array: boolean, from: number, keyFrom: number, keyTo: number, verdict: number): void {
    const parent = this.top;
    const inherits = parent?.array === true;
    const frame = this.#stack[this.depth] ?? this.#grow();
    frame.array = array;
    frame.from = from;
    frame.keyFrom = inherits ? parent.keyFrom : keyFrom;
    frame.keyTo = inherits ? parent.keyTo : keyTo;
    frame.verdict = inherits ? 0 : verdict;
    frame.names = this.#namesEnd;
    frame.pending = this.#pendingEnd;
    frame.count = 0;
    frame.kept = false;
    frame.eatComma = false;
    frame.comma = -1;
    this.depth++;
    this.top = frame;
  }

  #grow(): Frame {
    const tracksCommas = this.#engine.drops;
    const frame = {
      array: false,
      from: 0,
      keyFrom: -1,
      keyTo: -1,
      verdict: 0,
      names: 0,
      pending: 0,
      count: 0,
      kept: false,
      tracksCommas,
      comma: -1,
      eatComma: false,
    };
    this.#stack.push(frame);
    return frame;
  }

  /** `cutAt`: where the text ends within the container; -1 if it is whole. True if what the end cuts was masked. */
  pop(frame: Frame, cutAt: number): boolean {
    let masked = false;
    if (frame.array) masked = this.#judgeTuple(frame, cutAt);
    else if (cutAt >= 0 && !this.#isNamed(frame)) masked = this.#maskPending(frame, 2, cutAt);
    this.#namesEnd = frame.names;
    this.#pendingEnd = frame.pending;
    this.depth--;
    this.top = this.depth > 0 ? this.#stack[this.depth - 1] : undefined;
    return masked;
  }

  /** Whether a plain name has come: then what is cut off is not another. */
  #isNamed(frame: Frame): boolean {
    for (let entry = frame.names; entry < this.#namesEnd; entry += 3) if (this.#names[entry + 2] === 2) return true;
    return false;
  }

  /** Closes what is open at the end of a cut text. */
  closeAll(cutAt: number): string {
    let closers = '';
    let inner: { readonly from: number; readonly verdict: number } | undefined;
    while (this.top !== undefined) {
      const frame = this.top;
      if (inner !== undefined && frame.array) this.element(frame, inner.from, cutAt);
      else if (inner !== undefined) this.member(frame, inner.from, cutAt, inner.verdict);
      const masked = this.pop(frame, cutAt);
      // What is masked to the end needs no closing.
      closers = (masked ? '' : closers) + (frame.array ? ']' : '}');
      inner = { from: frame.from, verdict: frame.verdict };
    }
    return closers;
  }

  /** An element of an array is complete. */
  element(frame: Frame, from: number, to: number): void {
    frame.count++;
    if (frame.count > 2) return;
    if (frame.count === 2) {
      if (this.#namesEnd > frame.names) this.#addPending(from, to, 2);
    } else if (to - from <= MAX_NAME && this.#codes[from] === 34) this.#addName(from, to, 2);
  }

  /** A member of an object is complete; `verdict` is that on its key. */
  member(frame: Frame, from: number, to: number, verdict: number): void {
    const naming = (verdict >> NAME_SHIFT) & 3;
    if (naming > 0 && !this.cut && to - from <= MAX_NAME && this.#codes[from] === 34) {
      this.#addName(from, to, naming);
      if (this.#pendingEnd > frame.pending && (this.#nameVerdict(from, to) & SENSITIVE) !== 0) this.#maskPending(frame, 3 - naming, -1);
    }
    const valued = (verdict >> VALUE_SHIFT) & 3;
    if (valued > 0) this.#addPending(from, to, valued);
  }

  #addName(from: number, to: number, strength: number): void {
    this.#names[this.#namesEnd++] = from;
    this.#names[this.#namesEnd++] = to;
    this.#names[this.#namesEnd++] = strength;
  }

  #addPending(from: number, to: number, strength: number): void {
    this.#pending[this.#pendingEnd++] = from;
    this.#pending[this.#pendingEnd++] = to;
    this.#pending[this.#pendingEnd++] = strength;
  }

  /** The verdict that an earlier sibling's text gives to the value of a member whose key has this verdict. */
  pairVerdict(verdict: number): number {
    const valued = (verdict >> VALUE_SHIFT) & 3;
    const frame = this.top;
    if (valued === 0 || frame === undefined) return 0;
    for (let entry = frame.names; entry < this.#namesEnd; entry += 3) {
      if (valued + (this.#names[entry + 2] ?? 0) < 3) continue;
      const named = this.#nameVerdict(this.#names[entry] ?? 0, this.#names[entry + 1] ?? 0);
      if ((named & SENSITIVE) !== 0) return named;
    }
    return 0;
  }

  /** The verdict on a key together with that of the container it is in. */
  verdictBelow(keyFrom: number, keyTo: number): number {
    const frame = this.top;
    if (frame === undefined || frame.keyFrom < 0) return 0;
    return this.#engine.keys.verdictBelow(this.#textOf(frame.keyFrom, frame.keyTo), this.#textOf(keyFrom, keyTo));
  }

  /** Keys and array places from the root to the key given. */
  path(keyFrom: number, keyTo: number): readonly (string | number)[] {
    const path: (string | number)[] = [];
    for (let level = 0; level < this.depth; level++) {
      const frame = this.#stack[level];
      if (frame === undefined) continue;
      const parent = this.#stack[level - 1];
      if (parent?.array) path.push(parent.count);
      else if (parent !== undefined) path.push(this.#textOf(frame.keyFrom, frame.keyTo));
    }
    path.push(this.#textOf(keyFrom, keyTo));
    return path;
  }

  keep(): void {
    if (this.top !== undefined) this.top.kept = true;
  }

  comma(frame: Frame, at: number): void {
    if (frame.eatComma) this.#edits.add(at, at + 1, '');
    frame.eatComma = false;
    frame.comma = at;
  }

  /** Removes a member with the comma before it, or, where none stays before it, the one after it. */
  drop(from: number, to: number): void {
    const frame = this.top;
    if (frame?.kept) this.#edits.add(frame.comma, to, '');
    else {
      this.#edits.add(from, to, '');
      if (frame !== undefined) frame.eatComma = true;
    }
  }

  #judgeTuple(frame: Frame, cutAt: number): boolean {
    if (frame.count !== 2 || this.#pendingEnd === frame.pending) return false;
    const named = this.#nameVerdict(this.#names[frame.names] ?? 0, this.#names[frame.names + 1] ?? 0);
    return (named & SENSITIVE) !== 0 && this.#maskPending(frame, 1, cutAt);
  }

  /** True if one of them ends at `cutAt`. */
  #maskPending(frame: Frame, strength: number, cutAt: number): boolean {
    let masked = false;
    for (let entry = frame.pending; entry < this.#pendingEnd; entry += 3) {
      if ((this.#pending[entry + 2] ?? 0) < strength) continue;
      const to = this.#pending[entry + 1] ?? 0;
      this.#edits.add(this.#pending[entry] ?? 0, to, quoteJson(MASK));
      if (to === cutAt) masked = true;
    }
    return masked;
  }

  #nameVerdict(from: number, to: number): number {
    const codes = this.#codes;
    let hash = 0;
    for (let index = from + 1; index < to - 1; index++) {
      const code = codes[index] as number;
      if (code === 92) return this.#engine.keys.verdict(this.#textOf(from + 1, to - 1));
      hash = (Math.imul(hash, 31) + code) | 0;
    }
    return this.#engine.keys.verdictAt(this.#text, codes, from + 1, to - 1, hash);
  }

  #textOf(from: number, to: number): string {
    const raw = this.#text.slice(from, to);
    return raw.includes('\\') ? (decodeJsonString(raw) ?? raw) : raw;
  }
}

// Characters with quotes: what is longer names nothing.
const MAX_NAME = 130;
