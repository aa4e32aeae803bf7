/** Globs of the policy: `*` matches within a segment, `**` across segments, everything else matches itself. */

export interface Glob {
  test(text: string): boolean;
}

// About a millisecond of backtracking: what a client may make one glob cost with a path made for it.
const STEPS = 100_000;

export function compileGlob(glob: string): Glob {
  const parts = glob.split(/(\*\*|\*)/).filter((part) => part !== '');
  const pattern = parts
    .map((part) => (part === '**' ? '.*' : part === '*' ? '[^/]*' : part.replace(/[\\^$.+?()[\]{}|]/g, '\\$&')))
    .join('');
  // `s`: a glob is about the whole text, whatever characters a client puts into it.
  const regexp = new RegExp(`^${pattern}$`, 's');
  const wildcards = parts.filter((part) => part.startsWith('*')).length;
  // Each wildcard but the last may be tried at every place, so the regular expression takes up to length^wildcards steps.
  return { test: (text) => (text.length ** wildcards <= STEPS ? regexp.test(text) : matchesLong(parts, text)) };
}

/** In length times parts steps: all places that the text so far may have led to, at once. */
function matchesLong(parts: readonly string[], text: string): boolean {
  const tokens = parts.flatMap((part) => (part.startsWith('*') ? [part] : part.split('')));
  let places = reach(tokens, new Set([0]));
  for (let index = 0; index < text.length && places.size > 0; index += 1) {
    const character = text.charAt(index);
    const next = new Set<number>();
    for (const place of places) {
      const token = tokens[place];
      if (token === '**' || (token === '*' && character !== '/')) next.add(place);
      else if (token === character && token !== '*') next.add(place + 1);
    }
    places = reach(tokens, next);
  }
  return places.has(tokens.length);
}

/** A wildcard may match nothing. */
function reach(tokens: readonly string[], places: Set<number>): Set<number> {
  for (const place of places) if (tokens[place]?.startsWith('*') === true) places.add(place + 1);
  return places;
}
