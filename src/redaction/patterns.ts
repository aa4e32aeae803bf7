/** Custom patterns: accepted only if their work per character has a bound that no text can exceed. */

/** What is wrong with a pattern; undefined if nothing is. */
export function patternFault(pattern: unknown): string | undefined {
  const source = typeof pattern === 'string' ? pattern : pattern instanceof RegExp ? pattern.source : undefined;
  if (source === undefined) return 'must be a string or a RegExp';
  try {
    if (new RegExp(source, 'u').test('')) return 'must not match the empty text';
  } catch {
    return 'is no regular expression (with the u flag)';
  }
  return new Reader(source).fault();
}

/** One function that masks whatever any of them matches. Flags other than `i` are ignored. */
export function compilePatterns(patterns: readonly (string | RegExp)[], mask: string): ((text: string) => string) | undefined {
  if (patterns.length === 0) return undefined;
  const compiled = patterns.map((pattern) =>
    typeof pattern === 'string' ? new RegExp(pattern, 'gu') : new RegExp(pattern.source, pattern.ignoreCase ? 'giu' : 'gu'),
  );
  return (text) => compiled.reduce((rest, pattern) => rest.replace(pattern, mask), text);
}

// Ways to match that may be tried from one place. Patterns of tokens have some dozens; nested repetition has billions.
const MAX_WAYS = 4096;

/**
 * Counts the ways a backtracking engine may try from one place of a text. Repetition without bound is allowed only where
 * nothing follows it, for there it cannot fail and what it took is not tried again.
 */
class Reader {
  readonly #source: string;
  #index = 0;
  #problem: string | undefined;

  constructor(source: string) {
    this.#source = source;
  }

  fault(): string | undefined {
    const ways = this.#alternatives(true);
    if (this.#problem !== undefined) return this.#problem;
    return ways > MAX_WAYS ? 'repeats so that some text would make it slow; bound the repetition or make it simpler' : undefined;
  }

  /** `last`: nothing follows. */
  #alternatives(last: boolean): number {
    let ways = this.#sequence(last);
    while (this.#source[this.#index] === '|') {
      this.#index++;
      ways += this.#sequence(last);
    }
    return ways;
  }

  #sequence(last: boolean): number {
    let ways = 1;
    let open = false;
    while (this.#index < this.#source.length && this.#source[this.#index] !== '|' && this.#source[this.#index] !== ')') {
      if (open) this.#refuse('repeats without bound (*, + or {n,}) before its end; write {0,64}, say, instead');
      const group = this.#source[this.#index] === '(';
      const inner = this.#atom();
      const [least, most] = this.#quantifier();
      if (most === Number.POSITIVE_INFINITY) {
        open = true;
        if (group || !last) this.#refuse('repeats a group, or within a group, without bound');
      } else ways *= group ? inner ** Math.max(1, most) * (most - least + 1) : most - least + 1;
    }
    return ways;
  }

  #atom(): number {
    const source = this.#source;
    const character = source[this.#index++];
    if (character === '[') this.#class();
    else if (character === '\\') this.#escape();
    else if (character === '(') {
      if (source.startsWith('?:', this.#index)) this.#index += 2;
      else if (source[this.#index] === '?') this.#refuse('looks ahead or behind, or names a group; neither is supported');
      const ways = this.#alternatives(false);
      this.#index++;
      return ways;
    }
    return 1;
  }

  #class(): void {
    while (this.#index < this.#source.length && this.#source[this.#index] !== ']')
      this.#index += this.#source[this.#index] === '\\' ? 2 : 1;
    this.#index++;
  }

  #escape(): void {
    const kind = this.#source[this.#index++] ?? '';
    if (/[1-9k]/.test(kind)) this.#refuse('refers back to a group');
    const rest = /^(?:[pPu]\{[^}]*\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z])/.exec(kind + this.#source.slice(this.#index));
    if (rest !== null) this.#index += rest[0].length - 1;
  }

  #quantifier(): readonly [number, number] {
    const match = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/.exec(this.#source.slice(this.#index));
    if (match === null) return [1, 1];
    this.#index += match[0].length;
    if (match[1] === '?') return [0, 1];
    if (match[1] !== undefined) return [match[1] === '*' ? 0 : 1, Number.POSITIVE_INFINITY];
    const least = Number(match[2]);
    if (match[3] === '') return [least, least];
    return [least, match[4] === '' ? Number.POSITIVE_INFINITY : Number(match[4])];
  }

  #refuse(problem: string): void {
    this.#problem ??= problem;
  }
}
