/** What a statement's text says about carrying a context. When in doubt it says less: a statement must run as it is, with or without one. */

export interface Statement {
  /**
   * `control`: begins or ends a transaction, sets or locks something; writes no row and must come before anything else.
   * `rows`: a single statement that may run in a transaction. `other`: several statements, or one that may not.
   */
  readonly kind: 'control' | 'rows' | 'other';
  /** Afterwards the connection may carry another context than it was given. */
  readonly mayReset: boolean;
}

const CONTROL: ReadonlySet<string> = new Set(
  'begin start commit end rollback abort savepoint release set show reset discard deallocate listen unlisten lock fetch close'.split(' '),
);
const ROWS: ReadonlySet<string> = new Set('insert update delete merge select with values table truncate'.split(' '));
const MAY_RESET = /\b(?:rollback|abort|commit|end|reset|discard|set_config|audit\.context)\b/i;
const FIRST_WORD = /^(?:\s|--[^\n]*\n|\/\*(?:[^*]|\*(?!\/))*\*\/)*\(*([a-z]+)/i;

// A statement's text is usually one of few: most services prepare theirs.
const known = new Map<string, Statement>();
const MAX_KNOWN = 500;
const MAX_KNOWN_CHARS = 2000;
const MAX_READ_CHARS = 8000;

export function readStatement(text: string): Statement {
  const remembered = known.get(text);
  if (remembered !== undefined) return remembered;
  const statement = { kind: kindOf(text), mayReset: MAY_RESET.test(text) };
  if (text.length <= MAX_KNOWN_CHARS) {
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(text, statement);
  }
  return statement;
}

function kindOf(text: string): Statement['kind'] {
  const word = FIRST_WORD.exec(text)?.[1]?.toLowerCase() ?? '';
  if (!CONTROL.has(word) && !ROWS.has(word)) return 'other';
  if (!isSingle(text)) return 'other';
  return CONTROL.has(word) ? 'control' : 'rows';
}

/** True only if nothing but white space follows the first semicolon that ends a statement. */
function isSingle(text: string): boolean {
  const first = text.indexOf(';');
  if (first === -1 || text.slice(first + 1).trim() === '') return true;
  // Whether a backslash escapes depends on the server's settings. And what opens and never ends takes time by the square.
  if (text.includes('\\') || text.length > MAX_READ_CHARS) return false;
  return /^[^;]*;?\s*$/.test(text.replace(QUOTED, ' '));
}

// Strings, names, dollar-quoted bodies and comments; a comment in a comment leaves its rest, which at worst looks like a second statement.
const QUOTED = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\//g;
