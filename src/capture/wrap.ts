/** Replacing a method so that nobody notices, and keeping our own errors from the service. */

/** Same name, same arity, and as visible as what it replaces. */
export function replace<Target extends object, Name extends keyof Target & string>(
  target: Target,
  name: Name,
  value: (...args: never[]) => unknown,
): void {
  const original = target[name] as (...args: never[]) => unknown;
  Object.defineProperty(value, 'name', { value: original.name, configurable: true });
  Object.defineProperty(value, 'length', { value: original.length, configurable: true });
  const enumerable = descriptorOf(target, name)?.enumerable ?? true;
  Object.defineProperty(target, name, { value, configurable: true, enumerable, writable: true });
}

/** Puts what is ours on an object of the service's, where nobody lists it. */
export function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, configurable: true, enumerable: false, writable: true });
}

function descriptorOf(target: object, name: string): PropertyDescriptor | undefined {
  const parent: object | null = Object.getPrototypeOf(target);
  return Object.getOwnPropertyDescriptor(target, name) ?? (parent === null ? undefined : descriptorOf(parent, name));
}

/** Runs our own work; an error in it is told and goes no further. */
export function guard<T>(onError: (error: unknown) => void, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    onError(error);
    return undefined;
  }
}
