/** Reads values out of tokens and users of unknown shape. Never from `Object.prototype`, whatever the names are. */

export type Claims = Readonly<Record<string, unknown>>;

/** A claim's name, and for a dotted one (`realm_access.roles`) the way to it. */
export interface ClaimPath {
  readonly name: string;
  readonly steps: readonly string[];
}

export function claimPath(name: string): ClaimPath {
  return { name, steps: name.includes('.') ? name.split('.') : [] };
}

/** The member of that exact name, else the one at the end of the dots: namespaced claims are URLs and hold dots as well. */
export function claimAt(claims: Claims, { name, steps }: ClaimPath): unknown {
  const exact = isLazy(claims, name) ? undefined : memberOf(claims, name);
  if (exact !== undefined || steps.length === 0) return exact;
  let value: unknown = claims;
  for (const step of steps) value = memberOf(value, step);
  return value;
}

/** Asking TypeORM's lazy relations, such as `user.roles`, would send a query: own accessors that no enumeration shows. */
function isLazy(value: object, name: string): boolean {
  if (!Object.hasOwn(value, name)) return false;
  const own = Object.getOwnPropertyDescriptor(value, name);
  return own?.get !== undefined && own.enumerable === false;
}

/** Getters of the service's own classes are read, what every object has is not. */
export function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  const found = (value as Claims)[name];
  // Most of what is asked for is not there: that takes one look-up.
  if (found === undefined) return undefined;
  return Object.hasOwn(value, name) || !(name in Object.prototype) ? found : undefined;
}

export function isClaims(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** As a service's own user may have it: a number, or a database's id object. */
export function keyOf(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  const toHexString = memberOf(value, 'toHexString');
  return typeof toHexString === 'function' ? textOf(Reflect.apply(toHexString, value, [])) : textOf(value);
}
