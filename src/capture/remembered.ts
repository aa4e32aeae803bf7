/** What a framework made of a request, kept by Node's own request object for as long as that lives. */

export function remember<Value extends object>(known: WeakMap<object, Value>, request: unknown, value: unknown): void {
  if (isObject(request) && isObject(value)) known.set(request, value as Value);
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
