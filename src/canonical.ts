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
  let text = '';
  for (const key of sortedKeys(value)) {
    const member = (value as Record<string, unknown>)[key];
    if (member !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalize(member)}`;
  }
  return `{${text}}`;
}

/** Whether an object's own members stand in canonical order already. Most do; looking costs a tenth of sorting. */
export function isOrdered(value: object): boolean {
  return areOrdered(Object.keys(value));
}

function sortedKeys(value: object): readonly string[] {
  const keys = Object.keys(value);
  return areOrdered(keys) ? keys : keys.sort();
}

function areOrdered(keys: readonly string[]): boolean {
  let last = '';
  for (const key of keys) {
    if (key < last) return false;
    last = key;
  }
  return true;
}
