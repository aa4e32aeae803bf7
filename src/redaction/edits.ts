/** Replacements in a text, collected in any order and applied at once; what nothing touches is copied as it is. */

interface Edit {
  readonly from: number;
  readonly to: number;
  readonly replacement: string;
}

export class Edits {
  #list: Edit[] | undefined = undefined;
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
    this.#list ??= [];
    this.#list.push({ from, to, replacement });
  }

  /** The text up to `end` with the replacements made; of overlapping ones the outermost wins, of equal ones the last. */
  apply(text: string, end: number): string {
    const list = this.#list;
    if (list === undefined) return end === text.length ? text : text.slice(0, end);
    // Sorting is stable, so reversing puts the last of equal ones first.
    if (!this.#ordered) list.reverse().sort((a, b) => a.from - b.from || b.to - a.to);
    let result = '';
    let copied = 0;
    for (const { from, to, replacement } of list) {
      if (from < copied || from >= end) continue;
      result += text.slice(copied, from) + replacement;
      copied = to;
    }
    return copied < end ? result + text.slice(copied, end) : result;
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
