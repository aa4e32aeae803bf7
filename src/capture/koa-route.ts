/** The route pattern of a Koa request, which Koa's routers leave on the context, and Koa's state of it. */

import { createRemembered, textOf } from './remembered.js';
import { replace } from './wrap.js';

interface KoaApplication {
  createContext(...args: readonly unknown[]): unknown;
}

interface KoaContext {
  readonly method?: unknown;
  readonly originalUrl?: unknown;
  readonly state?: unknown;
  /** By koa-router and @koa/router: the path of the layer that ran last, which may be middleware. */
  readonly _matchedRoute?: unknown;
  /** By the same: all layers whose path fits, each path with the prefixes of the routers around it. */
  readonly matched?: readonly RouterLayer[] | undefined;
  /** By koa-route. */
  readonly routePath?: unknown;
  /** By koa-mount: the prefix of the last mount that was entered, which may have been left again. */
  readonly mountPath?: unknown;
}

interface RouterLayer {
  readonly path?: unknown;
  readonly methods?: readonly unknown[];
  readonly regexp?: RegExp;
}

const contexts = createRemembered<KoaContext>();

/** `application` is what `koa/lib/application.js` exports: from now on its contexts are known by Node's request. */
export function followKoa(application: unknown): void {
  const { prototype } = application as { readonly prototype: KoaApplication };
  const { createContext } = prototype;
  replace(prototype, 'createContext', function tappedCreateContext(this: KoaApplication, ...args: readonly unknown[]): unknown {
    const context = Reflect.apply(createContext, this, args);
    contexts.remember(args[0], context);
    return context;
  });
}

/** Where passport, koa-jwt and others put the user. */
export function koaState(request: object): object | undefined {
  const state = contexts.of(request)?.state;
  return typeof state === 'object' && state !== null ? state : undefined;
}

export function koaRoute(request: object): string | undefined {
  const context = contexts.of(request);
  if (context === undefined) return undefined;
  const layer = context._matchedRoute === undefined ? undefined : layerOf(context);
  const pattern = textOf(layer?.path) ?? textOf(context.routePath);
  if (pattern === undefined || context.mountPath === undefined) return pattern;
  return layer?.regexp && mountedPattern(context, pattern, layer.regexp);
}

/** Where middleware of the router answered, the route that it was in front of. */
function layerOf({ method, matched = [], _matchedRoute }: KoaContext): RouterLayer | undefined {
  const routes = matched.filter(({ methods }) => methods?.includes(method) === true);
  return routes.find(({ path }) => path === _matchedRoute) ?? routes[0];
}

/** No route where mounts are inside each other: of the outer ones nothing is left. */
function mountedPattern({ originalUrl, mountPath }: KoaContext, pattern: string, expression: RegExp): string | undefined {
  const path = /^[^?]*/.exec(String(originalUrl))?.[0] ?? '';
  if (expression.test(path)) return pattern;
  const isBelow = typeof mountPath === 'string' && path.startsWith(mountPath) && expression.test(path.slice(mountPath.length) || '/');
  return isBelow ? (mountPath + pattern).replace(/\/$/, '') : undefined;
}
