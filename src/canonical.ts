/** RFC 8785 canonical JSON, for hashing and for verifying hashes. */

/**
 * The canonical form of a JSON value: members sorted by UTF-16 code unit, no white space, numbers as ECMAScript prints
 * them. Members that are `undefined` are left out. Lone surrogates do not occur in records, so none are handled.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8785
 */
export function canonicalize(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalize).join(',')}]`;
  const members: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const member = (value as Record<string, unknown>)[key];
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${canonicalize(member)}`);
  }
  return `{${members.join(',')}}`;
}
