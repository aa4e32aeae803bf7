/** What a framework made of a request, kept with Node's own request object for as long as that lives. */

import { createStamps, type Stamps } from './stamps.js';

/** Only the first is kept: what comes later in the same request is a framework in a framework. */
export interface Remembered<Value extends object> {
  remember(request: unknown, value: unknown): void;
  of(request: object): Value | undefined;
}

export function createRemembered<Value extends object>(): Remembered<Value> {
  const known: Stamps<Value> = createStamps();
  return {
    remember(request, value) {
      try {
        if (isObject(request) && isObject(value) && known.get(request) === undefined) known.set(request, value as Value);
      } catch {
        // A frozen or exotic object of the service's own takes no stamp, and the call we are in must go on.
      }
    },
    of: known.get,
  };
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
