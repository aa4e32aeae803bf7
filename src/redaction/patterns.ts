/** Custom patterns: accepted only if no text can make them slow. */

/** What is wrong with a pattern; undefined if nothing is. */
export function patternFault(pattern: unknown): string | undefined {
  const source = typeof pattern === 'string' ? pattern : pattern instanceof RegExp ? pattern.source : undefined;
  if (source === undefined) return 'must be a string or a RegExp';
  if (source === '') return 'must not be empty';
  try {
    if (new RegExp(source, 'u').test('')) return 'must not match the empty text';
  } catch {
    return 'is no regular expression (with the u flag)';
  }
  return undefined;
}

/** One function that masks whatever any of them matches. */
export function compilePatterns(patterns: readonly (string | RegExp)[], mask: string): ((text: string) => string) | undefined {
  if (patterns.length === 0) return undefined;
  const compiled = patterns.map((pattern) =>
    typeof pattern === 'string' ? new RegExp(pattern, 'gu') : new RegExp(pattern.source, `gu${pattern.ignoreCase ? 'i' : ''}`),
  );
  return (text) => compiled.reduce((rest, pattern) => rest.replace(pattern, mask), text);
}
