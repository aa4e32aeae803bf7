/** Redacts GraphQL documents: literals given to arguments, input fields and variables' defaults whose names are a secret's. */

import { Edits } from './edits.js';
import type { Engine } from './engine.js';
import { skipJsonValue } from './json-skip.js';
import { decodeJsonString, quoteJson } from './json-string.js';
import { NAME_SHIFT, SENSITIVE, VALUE_SHIFT } from './keys.js';
import { MASK } from './redactor.js';

export function looksLikeGraphql(text: string): boolean {
  return START.test(text);
}

const START =
  /^\s*(?:#[^\n]*\n\s*)*(?:(?:query|mutation|subscription)\b\s*\w*\s*[({@]|fragment\s+\w+\s+on\s|\{\s*(?:\.\.\.|#|[A-Za-z_]\w*\s*[({}@\s]))/;

interface Scope {
  /** Where it opens, and how likely it is the value of a name beside it. */
  readonly from: number;
  readonly valued: number;
  /** How surely an earlier `name: "…"` names a secret. */
  named: number;
  /** From, to and strength of values that a later name may name. */
  readonly pending: number[];
}

/** `cut`: the text's end is missing. */
export function redactGraphql(text: string, engine: Engine, depth: number, cut: boolean): string {
  return new GraphqlScan(text, engine, depth, cut).run();
}

class GraphqlScan {
  readonly #text: string;
  readonly #engine: Engine;
  readonly #depth: number;
  readonly #cut: boolean;
  readonly #edits = new Edits();
  readonly #scopes: Scope[] = [{ from: 0, valued: 0, named: 0, pending: [] }];
  /** The name a value may be given to next. */
  #name = '';
  /** Whether the next token is that value. */
  #assigned = false;
  /** Between a variable and its default stands its type. */
  #typed = false;

  constructor(text: string, engine: Engine, depth: number, cut: boolean) {
    this.#text = text;
    this.#engine = engine;
    this.#depth = depth;
    this.#cut = cut;
  }

  run(): string {
    const text = this.#text;
    TOKEN.lastIndex = 0;
    for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
      // The expression is shared: redacting a literal may scan GraphQL within it.
      TOKEN.lastIndex = this.#token(match[0], match.index);
    }
    // At a cut, the name of a value that has come before it may be missing.
    if (this.#cut) for (const scope of this.#scopes) if (scope.named === 0) this.#maskPending(scope, 2);
    return this.#edits.apply(text, text.length);
  }

  #maskPending(scope: Scope, strength: number): void {
    for (let entry = 0; entry < scope.pending.length; entry += 3) {
      if ((scope.pending[entry + 2] ?? 0) >= strength)
        this.#edits.add(scope.pending[entry] ?? 0, scope.pending[entry + 1] ?? 0, quoteJson(MASK));
    }
  }

  /** The offset to go on from. */
  #token(token: string, from: number): number {
    const sign = token[0] ?? '';
    const to = from + token.length;
    if (this.#assigned) {
      this.#assigned = false;
      if (VALUE_START.test(token)) return this.#value(token, from, to);
    }
    if (sign === '"') this.#literal(token, from);
    else if (sign === '#') this.#comment(token, from);
    else if (sign === '$' || (/\w/.test(sign) && !this.#typed)) this.#rename(token);
    else if (sign === ':') {
      this.#typed = this.#name.startsWith('$');
      this.#assigned = !this.#typed;
    } else if (sign === '=') this.#assigned = this.#typed;
    else this.#bracket(sign, from, 0);
    return to;
  }

  #rename(token: string): void {
    this.#name = token;
    this.#typed = false;
  }

  #bracket(sign: string, from: number, valued: number): void {
    if (OPEN.test(sign)) this.#scopes.push({ from, valued, named: 0, pending: [] });
    else if (CLOSE.test(sign) && this.#scopes.length > 1) {
      const scope = this.#scopes.pop();
      if (scope !== undefined && scope.valued > 0) this.#scopes[this.#scopes.length - 1]?.pending.push(scope.from, from + 1, scope.valued);
    }
    if (sign === ')' || sign === '{') this.#typed = false;
  }

  #value(token: string, from: number, to: number): number {
    const scope = this.#scopes[this.#scopes.length - 1];
    if (scope === undefined) return to;
    const verdict = this.#engine.keys.verdict(this.#name.replace('$', ''));
    const valued = (verdict >> VALUE_SHIFT) & 3;
    const open = OPEN.test(token);
    const hidden = (verdict & SENSITIVE) !== 0 || (valued > 0 && scope.named > 0 && valued + scope.named >= 3);
    const end = hidden && open ? skipJsonValue(this.#text, from) : to;
    if (hidden) this.#edits.add(from, end, quoteJson(MASK));
    else if (valued > 0 && !open) scope.pending.push(from, end, valued);
    this.#note(token, (verdict >> NAME_SHIFT) & 3, scope);
    if (hidden) return end;
    if (open) this.#bracket(token, from, valued);
    else this.#literal(token, from);
    return to;
  }

  #note(token: string, naming: number, scope: Scope): void {
    if (naming === 0 || token[0] !== '"' || token.length > 130 || (this.#engine.keys.verdict(token.slice(1, -1)) & SENSITIVE) === 0) return;
    scope.named = Math.max(scope.named, naming);
    this.#maskPending(scope, 3 - naming);
  }

  #literal(token: string, from: number): void {
    if (token[0] !== '"') return;
    const block = token.startsWith('"""');
    const quotes = block ? 3 : 1;
    const closed = token.length >= quotes * 2 && token.endsWith('"');
    const raw = token.slice(quotes, closed ? token.length - quotes : token.length);
    const value = block ? raw : (decodeJsonString(raw) ?? raw);
    const redacted = this.#engine.string(value, this.#depth, this.#cut && !closed);
    if (redacted !== value) this.#edits.add(from, from + token.length, block ? `"""${redacted}"""` : quoteJson(redacted));
  }

  #comment(token: string, from: number): void {
    const redacted = this.#engine.string(token, this.#depth, false);
    if (redacted !== token) this.#edits.add(from, from + token.length, redacted.replaceAll('\n', ' '));
  }
}

const TOKEN = /"""(?:[^"]|"(?!""))*(?:"""|$)|"(?:[^"\\\n]|\\.)*(?:"|$)?|#[^\n]*|\$?[A-Za-z_]\w*|-?\d[\d.eE+-]*|\.\.\.|[^\s,]/g;
const VALUE_START = /^(?:["{[]|-?\d)/;
const OPEN = /[{[(]/;
const CLOSE = /[}\])]/;
