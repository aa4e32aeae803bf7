/** The route of a hapi request, and who hapi's authentication says it is from. */

import { createRemembered, textOf } from './remembered.js';
import { replace } from './wrap.js';

interface HapiRequestClass {
  generate(...args: readonly unknown[]): unknown;
}

interface HapiRequest {
  readonly route?: { readonly method?: unknown; readonly path?: unknown };
  readonly auth?: { readonly isAuthenticated?: unknown; readonly credentials?: unknown };
}

/** The method of the routes that hapi answers with by itself: nothing found, a bad path, a preflight. */
const OWN_ROUTE = '_special';
const requests = createRemembered<HapiRequest>();

/** `request` is what `@hapi/hapi/lib/request.js` exports: from now on its requests are known by Node's. */
export function followHapi(request: unknown): void {
  const hapiRequest = request as HapiRequestClass;
  const { generate } = hapiRequest;
  replace(hapiRequest, 'generate', function tappedGenerate(this: HapiRequestClass, ...args: readonly unknown[]): unknown {
    const made = Reflect.apply(generate, this, args);
    requests.remember(args[1], made);
    return made;
  });
}

/** The credentials as a user, if a strategy has accepted them. */
export function hapiUser(request: object): { readonly user: unknown } | undefined {
  const auth = requests.of(request)?.auth;
  return auth?.isAuthenticated === true ? { user: auth.credentials } : undefined;
}

export function hapiRoute(request: object): string | undefined {
  const route = requests.of(request)?.route;
  return route?.method === OWN_ROUTE ? undefined : textOf(route?.path);
}
