/** Globs of the policy: `*` matches within a segment, `**` across segments, everything else matches itself. */

/** Linear in the text: there is no nested repetition. */
export function compileGlob(glob: string): RegExp {
  const pattern = glob
    .split(/(\*\*|\*)/)
    .map((part) => (part === '**' ? '.*' : part === '*' ? '[^/]*' : part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')))
    .join('');
  // `s`: a glob is about the whole text, whatever characters a client puts into it.
  return new RegExp(`^${pattern}$`, 's');
}
