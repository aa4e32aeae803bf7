/** Replacements in a text, collected in any order and applied at once; what nothing touches is copied as it is. */

/** Kept in plain arrays of numbers and strings: a body of secrets has a hundred thousand of them. */
export class Edits {
  readonly #places: number[] = [];
  readonly #texts: string[] = [];
  #ordered = true;
  #last = 0;
  /** How many hide something. */
  hidden = 0;

  add(from: number, to: number, replacement: string): void {
    this.hidden++;
    this.mend(from, to, replacement);
  }

  /** Like `add`, for what hides nothing: closing what was cut, characters that cannot be stored. */
  mend(from: number, to: number, replacement: string): void {
    if (from < this.#last) this.#ordered = false;
    if (to > this.#last) this.#last = to;
    this.#places.push(from, to);
    this.#texts.push(replacement);
  }

  /** The text up to `end` with the replacements made; of overlapping ones the outermost wins, of equal ones the last. */
  apply(text: string, end: number): string {
    const count = this.#texts.length;
    if (count === 0) return end === text.length ? text : text.slice(0, end);
    const order = this.#ordered ? undefined : this.#sorted();
    let result = '';
    let copied = 0;
    for (let rank = 0; rank < count; rank++) {
      const edit = order === undefined ? rank : (order[rank] as number);
      const from = this.#places[edit * 2] as number;
      if (from < copied || from >= end) continue;
      result += text.slice(copied, from) + this.#texts[edit];
      copied = this.#places[edit * 2 + 1] as number;
    }
    return copied < end ? result + text.slice(copied, end) : result;
  }

  #sorted(): readonly number[] {
    const from = (edit: number) => this.#places[edit * 2] as number;
    const to = (edit: number) => this.#places[edit * 2 + 1] as number;
    return this.#texts.map((_, edit) => edit).sort((a, b) => from(a) - from(b) || to(b) - to(a) || b - a);
  }
}

/** Ranges to mask, united where they overlap: half a secret must not show because two rules see it differently. */
export function maskRanges(text: string, ranges: readonly (readonly [number, number])[], mask: string): string {
  if (ranges.length === 0) return text;
  const sorted = ranges.length === 1 ? ranges : [...ranges].sort((a, b) => a[0] - b[0]);
  let result = '';
  let copied = 0;
  for (let index = 0; index < sorted.length; index++) {
    const [from, first] = sorted[index] ?? [0, 0];
    let to = first;
    for (let next = sorted[index + 1]; next !== undefined && next[0] < to; next = sorted[index + 1]) {
      to = Math.max(to, next[1]);
      index++;
    }
    result += text.slice(copied, from) + mask;
    copied = to;
  }
  return result + text.slice(copied);
}
