/** Small mistakes in a query, each of which must show in what it answers. */

export interface Mutant {
  readonly text: string;
  /** The changed line, before and after. */
  readonly change: string;
}

const CHANGES: readonly (readonly [RegExp, (match: string) => string])[] = [
  [/ == /g, () => ' != '],
  [/ != /g, () => ' == '],
  [/ =~ /g, () => ' !~ '],
  [/ >= /g, () => ' < '],
  [/ > /g, () => ' <= '],
  [/ <= /g, () => ' > '],
  [/ < /g, () => ' >= '],
  [/ and /g, () => ' or '],
  [/ or /g, () => ' and '],
  [/ in \(/g, () => ' !in ('],
  [/ !in \(/g, () => ' in ('],
  [/ startswith /g, () => ' endswith '],
  [/ endswith /g, () => ' startswith '],
  [/\bisempty\(/g, () => 'isnotempty('],
  [/\bisnotempty\(/g, () => 'isempty('],
  [/\bnot\(/g, () => '('],
  // A text of a filter, or a key: something that is nowhere.
  [/"[^"\s]*[a-zA-Z][^"]*"/g, (text) => `"${text.slice(1, -1)}~"`],
  [/\b\d+(?=;$)/g, (number) => String(Number(number) + 1)],
  [/\b\d+(?=[mhd];$)/g, () => '0'],
];

/** Of the lines that decide what is in the answer. */
export function mutantsOf(query: string): readonly Mutant[] {
  const mutants: Mutant[] = [];
  for (const line of query.matchAll(/^.*\S.*$/gm)) {
    const [text] = line;
    const at = line.index;
    if (text.trimStart().startsWith('//')) continue;
    const replaced = (own: string): void => {
      mutants.push({ text: query.slice(0, at) + own + query.slice(at + text.length), change: `${text.trim()} → ${own.trim()}` });
    };
    if (/^\s*\| where /.test(text)) replaced(/;$/.test(text) ? ';' : '');
    if (!/\bwhere |countif\(|anyif\(|^let /.test(text)) continue;
    for (const [pattern, change] of CHANGES) {
      for (const match of text.matchAll(pattern))
        replaced(text.slice(0, match.index) + change(match[0]) + text.slice(match.index + match[0].length));
    }
  }
  return mutants;
}
