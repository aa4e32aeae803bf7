/** The route of a Hono request, from what Hono's router matched. */

import { createRemembered, textOf } from './remembered.js';
import { replace } from './wrap.js';

type Match = (this: object, ...args: readonly unknown[]) => unknown;

interface SmartRouter {
  match: Match;
}

type Handler = ((...args: readonly unknown[]) => unknown) & { readonly __COMPOSED_HANDLER?: Handler };

/** One of the handlers that fit a request, in the order of their registration. */
type Matched = readonly [handler: readonly [Handler, { readonly path?: unknown; readonly method?: unknown }], params: unknown];

/** What `use` and `all` register with. */
const ANY_METHOD = 'ALL';
const matches = createRemembered<readonly [handlers: readonly Matched[]]>();

/** `module` exports the router of Hono's default and quick presets. `currentRequest` is Node's request that is handled here and now. */
export function followHono(module: unknown, currentRequest: () => object | undefined): void {
  const { prototype } = (module as { readonly SmartRouter: { readonly prototype: SmartRouter } }).SmartRouter;
  tap(prototype);

  function tap(router: SmartRouter): void {
    const { match } = router;
    replace(router, 'match', function tappedMatch(this: SmartRouter, ...args: readonly unknown[]): unknown {
      const result = Reflect.apply(match, this, args);
      // Its first match settles on a router, whose own `match` takes the place of the prototype's.
      if (router === prototype && Object.hasOwn(this, 'match')) tap(this);
      // Only the first: what a handler asks the app itself is another request.
      matches.remember(currentRequest(), result);
      return result;
    });
  }
}

/** Undefined where only middleware fits, which answers what nobody handles. */
export function honoRoute(request: object): string | undefined {
  const handlers = matches.of(request)?.[0].map(([handler]) => handler) ?? [];
  const own = handlers.filter(([, { method }]) => method !== ANY_METHOD);
  const last = own.length > 0 ? (own.find(isLast) ?? own.at(-1)) : handlers.find(isLast);
  return textOf(last?.[1].path);
}

/** A handler that takes no `next` cannot leave the answer to another. */
function isLast([handler]: Matched[0]): boolean {
  return (handler.__COMPOSED_HANDLER ?? handler).length < 2;
}
