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
  /^\s*(?:#[^\n]*\n\s*)*(?:(?:query|mutation|subscription)\b\s*\w*\s*[({@]|fragment\s+\w+\s+on\s|\{\s*(?:\.\.\.|#|[A-Za-z_]\w*\s*[({}:@\s]))/;

interface Scope {
  /** How surely an earlier `name: "…"` names a secret. */
  named: number;
  /** From, to and strength of values that a later name may name. */
  readonly pending: number[];
}

/** `cut`: the text's end is missing. */
export function redactGraphql(text: string, engine: Engine, depth: number, cut: boolean): string {
  const edits = new Edits();
  const scopes: Scope[] = [{ named: 0, pending: [] }];
  let key = '';
  let assigned = false;
  let variable = false;
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    const token = match[0];
    const from = match.index;
    const scope = scopes[scopes.length - 1];
    const sign = token[0] ?? '';
    if (assigned && VALUE_START.test(token) && scope !== undefined) {
      const hidden = isHidden(key, scope);
      if (hidden && !OPEN.test(sign)) edits.add(from, from + token.length, quoteJson(MASK));
      else if (hidden) {
        TOKEN.lastIndex = skipJsonValue(text, from);
        edits.add(from, TOKEN.lastIndex, quoteJson(MASK));
      }
      note(key, token, from, TOKEN.lastIndex, scope);
      assigned = false;
      if (hidden) continue;
    }
    if (sign === '"') redactLiteral(token, from);
    else if (sign === '#') redactComment(token, from);
    else if (OPEN.test(sign)) scopes.push({ named: 0, pending: [] });
    else if (CLOSE.test(sign)) scopes.length > 1 && scopes.pop();
    else if (/[\w$]/.test(sign)) {
      if (!assigned || sign === '$' || variable) variable = sign === '$' && !assigned;
      if (!(variable && assigned)) {
        if (!assigned || !variable) key = assigned ? key : token;
      }
    }
    // `$password: String = "…"`: the type stands between the name and its default.
    assigned = sign === ':' ? !key.startsWith('$') : sign === '=';
  }
  return edits.apply(text, text.length);

  function isHidden(name: string, scope: Scope): boolean {
    const verdict = engine.keys.verdict(name.replace('$', ''));
    const valued = (verdict >> VALUE_SHIFT) & 3;
    return (verdict & SENSITIVE) !== 0 || (valued > 0 && scope.named > 0 && valued + scope.named >= 3);
  }

  function note(name: string, token: string, from: number, to: number, scope: Scope): void {
    const verdict = engine.keys.verdict(name);
    const naming = (verdict >> NAME_SHIFT) & 3;
    if (naming > 0 && token[0] === '"' && token.length <= 130 && (engine.keys.verdict(token.slice(1, -1)) & SENSITIVE) !== 0) {
      scope.named = Math.max(scope.named, naming);
      for (let entry = 0; entry < scope.pending.length; entry += 3) {
        if ((scope.pending[entry + 2] ?? 0) + naming >= 3)
          edits.add(scope.pending[entry] ?? 0, scope.pending[entry + 1] ?? 0, quoteJson(MASK));
      }
    }
    const valued = (verdict >> VALUE_SHIFT) & 3;
    if (valued > 0) scope.pending.push(from, to, valued);
  }

  function redactLiteral(token: string, from: number): void {
    const block = token.startsWith('"""');
    const quotes = block ? 3 : 1;
    const closed = token.length >= quotes * 2 && token.endsWith('"');
    const raw = token.slice(quotes, closed ? token.length - quotes : token.length);
    const value = block ? raw : (decodeJsonString(raw) ?? raw);
    const redacted = engine.string(value, depth, cut && !closed);
    if (redacted !== value) edits.add(from, from + token.length, block ? `"""${redacted}"""` : quoteJson(redacted));
  }

  function redactComment(token: string, from: number): void {
    const redacted = engine.string(token, depth, false);
    if (redacted !== token) edits.add(from, from + token.length, redacted.replaceAll('\n', ' '));
  }
}

const TOKEN = /"""(?:[^"]|"(?!""))*(?:"""|$)|"(?:[^"\\\n]|\\.)*(?:"|$)?|#[^\n]*|\$?[A-Za-z_]\w*|-?\d[\d.eE+-]*|\.\.\.|[^\s,]/g;
const VALUE_START = /^(?:["{[]|-?\d)/;
const OPEN = /[{[(]/;
const CLOSE = /[}\])]/;
