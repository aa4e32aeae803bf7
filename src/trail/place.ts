/** Where a trail or database is, for people. */

/** A URL without its user, password and parameters. */
export function placeOf(url: string): string {
  if (!URL.canParse(url)) return 'the database';
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
