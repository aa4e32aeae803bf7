/** Reads from a GraphQL document what it does: the type of its operation and its root fields. Never the names its author chose. */

export interface GraphqlOperation {
  readonly type: 'query' | 'mutation' | 'subscription';
  /** Root fields in order, without aliases, fragments resolved. */
  readonly fields: readonly string[];
}

/**
 * The operation that a server would execute; undefined where the document does not parse or there is no such operation.
 * @throws {SyntaxError} where it nests deeper than anybody writes.
 */
export function graphqlOperation(document: string, operationName: string | undefined): GraphqlOperation | undefined {
  const { operations, fragments } = definitionsOf(document);
  const chosen = operationName === undefined ? operations : operations.filter(({ name }) => name === operationName);
  const [operation] = chosen;
  // Several operations and no name, or two of one name: servers refuse it.
  if (operation === undefined || chosen.length > 1) return undefined;
  const fields = fieldsOf(operation.selections, fragments);
  return fields.size === 0 ? undefined : { type: operation.type, fields: [...fields] };
}

interface Selections {
  readonly fields: string[];
  readonly spreads: string[];
}

interface Definitions {
  readonly operations: { readonly type: GraphqlOperation['type']; readonly name: string | undefined; readonly selections: Selections }[];
  readonly fragments: Map<string, Selections>;
}

// Sticky: one pass over the document. Commas and the byte order mark are white space; a comment takes its line's end with it, or a row of # could be cut in 2^n ways.
const TOKEN =
  /(?:[\s,\ufeff]|#[^\n\r]*(?:[\n\r]|$))*(?:("""(?:[^"\\]|\\[\s\S]|"(?!""))*"""|"(?:[^"\\\n\r]|\\.)*")|(\.\.\.|[!$&()=:@[\]{}|])|([_A-Za-z]\w*)|(-?\d[\w.+-]*))/y;

/** Punctuation and names; strings and numbers are `0`. Undefined at what no document may hold. */
function tokensOf(document: string): readonly string[] | undefined {
  const tokens: string[] = [];
  let end = 0;
  while (true) {
    TOKEN.lastIndex = end;
    const match = TOKEN.exec(document);
    if (match === null) return /^(?:[\s,\ufeff]|#[^\n\r]*(?:[\n\r]|$))*$/.test(document.slice(end)) ? tokens : undefined;
    tokens.push(match[2] ?? match[3] ?? '0');
    end = TOKEN.lastIndex;
  }
}

function definitionsOf(document: string): Definitions {
  const definitions: Definitions = { operations: [], fragments: new Map() };
  const tokens = tokensOf(document) ?? [];
  let at = 0;
  while (at < tokens.length) {
    const word = tokens[at] ?? '';
    const open = openingBrace(tokens, at);
    const close = open === -1 ? -1 : matching(tokens, open);
    if (close === -1) return { operations: [], fragments: new Map() };
    const name = tokens[at + 1];
    if (word === 'fragment' && name !== undefined) definitions.fragments.set(name, selectionsOf(tokens, open, close));
    else if (word === '{' || word === 'query' || word === 'mutation' || word === 'subscription') {
      const type = word === '{' ? 'query' : word;
      const isNamed = word !== '{' && name !== undefined && /^[_A-Za-z]/.test(name);
      definitions.operations.push({ type, name: isNamed ? name : undefined, selections: selectionsOf(tokens, open, close) });
    } else return { operations: [], fragments: new Map() };
    at = close + 1;
  }
  return definitions;
}

/** The brace that opens the definition's selections: variables and directives with their own braces stand in parentheses. */
function openingBrace(tokens: readonly string[], from: number): number {
  let depth = 0;
  for (let at = from; at < tokens.length; at += 1) {
    if (tokens[at] === '(') depth += 1;
    else if (tokens[at] === ')') depth -= 1;
    else if (tokens[at] === '{' && depth === 0) return at;
  }
  return -1;
}

function matching(tokens: readonly string[], open: number): number {
  let depth = 0;
  for (let at = open; at < tokens.length; at += 1) {
    const token = tokens[at] ?? '';
    if (OPENING.has(token)) depth += 1;
    else if (CLOSING.has(token)) depth -= 1;
    if (depth === 0) return at;
  }
  return -1;
}
const OPENING: ReadonlySet<string> = new Set(['{', '(', '[']);
const CLOSING: ReadonlySet<string> = new Set(['}', ')', ']']);

// Each level is read once more. Nobody writes an inline fragment in an inline fragment in one at the root.
const INLINE_DEPTH = 8;

/** The fields right between two braces; inline fragments are part of them, named ones are listed. */
function selectionsOf(tokens: readonly string[], open: number, close: number, depth = 0): Selections {
  const selections: Selections = { fields: [], spreads: [] };
  let at = open + 1;
  while (at < close) {
    const token = tokens[at] ?? '';
    if (token === '...') {
      const next = tokens[at + 1];
      if (next !== undefined && next !== 'on' && /^[_A-Za-z]/.test(next)) {
        selections.spreads.push(next);
        at += 2;
      } else {
        const inner = openingBrace(tokens, at);
        const end = matching(tokens, inner);
        if (inner === -1 || end === -1 || depth === INLINE_DEPTH) throw new SyntaxError('not an inline fragment');
        const { fields, spreads } = selectionsOf(tokens, inner, end, depth + 1);
        for (const field of fields) selections.fields.push(field);
        for (const spread of spreads) selections.spreads.push(spread);
        at = end + 1;
      }
    } else if (token === '@') {
      at += 2;
    } else if (OPENING.has(token)) {
      at = matching(tokens, at) + 1;
    } else {
      const isAliased = tokens[at + 1] === ':';
      const field = isAliased ? tokens[at + 2] : token;
      if (field !== undefined && /^[_A-Za-z]/.test(field)) selections.fields.push(field);
      at += isAliased ? 3 : 1;
    }
  }
  return selections;
}

/** The fields of the selections and of the fragments they spread, each fragment once: fragments may name each other in circles. */
function fieldsOf(selections: Selections, fragments: ReadonlyMap<string, Selections>): ReadonlySet<string> {
  const fields = new Set(selections.fields);
  const spreads = new Set(selections.spreads);
  // A set grows while it is walked: recursion would be as deep as a client likes.
  for (const name of spreads) {
    const fragment = fragments.get(name);
    for (const field of fragment?.fields ?? []) fields.add(field);
    for (const spread of fragment?.spreads ?? []) spreads.add(spread);
  }
  return fields;
}
