/** Replacements in a text, collected in any order and applied at once; what nothing touches is copied as it is. */

export interface Edits {
  add(from: number, to: number, replacement: string): void;
  /** Like `add`, for what hides nothing: closing what was cut, characters that cannot be stored. */
  mend(from: number, to: number, replacement: string): void;
  /** How many hide something. */
  readonly hidden: number;
  /** The text up to `end` with the replacements made; of overlapping ones the outermost, or first, wins. */
  apply(text: string, end: number): string;
}

export function createEdits(): Edits {
  let list: Edit[] = [];
  let ordered = true;
  let last = 0;
  let hidden = 0;
  return {
    add(from, to, replacement) {
      hidden++;
      mend(from, to, replacement);
    },
    mend,
    get hidden() {
      return hidden;
    },
    apply(text, end) {
      if (list.length === 0) return end === text.length ? text : text.slice(0, end);
      if (!ordered) list = list.sort((a, b) => a.from - b.from || b.to - a.to);
      let result = '';
      let copied = 0;
      for (const { from, to, replacement } of list) {
        if (from < copied || from >= end) continue;
        result += text.slice(copied, from) + replacement;
        copied = to;
      }
      return copied < end ? result + text.slice(copied, end) : result;
    },
  };

  function mend(from: number, to: number, replacement: string): void {
    if (from < last) ordered = false;
    last = Math.max(last, to);
    list.push({ from, to, replacement });
  }
}

interface Edit {
  readonly from: number;
  readonly to: number;
  readonly replacement: string;
}

/** Ranges to mask, united where they overlap: half a secret must not show because two rules see it differently. */
export function maskRanges(text: string, ranges: readonly (readonly [number, number])[], mask: string): string {
  if (ranges.length === 0) return text;
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  let result = '';
  let copied = 0;
  let open: readonly [number, number] | undefined;
  for (const range of sorted) {
    if (open !== undefined && range[0] < open[1]) {
      open = [open[0], Math.max(open[1], range[1])];
      continue;
    }
    if (open !== undefined) {
      result += text.slice(copied, open[0]) + mask;
      copied = open[1];
    }
    open = range;
  }
  if (open !== undefined) {
    result += text.slice(copied, open[0]) + mask;
    copied = open[1];
  }
  return result + text.slice(copied);
}
