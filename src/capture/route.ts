/** What a framework says of a request: the route pattern it matched, and its own request object. Never by patching it. */

import diagnostics from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';

const FASTIFY_HANDLER = 'tracing:fastify.request.handler:start';
const told = new WeakMap<object, { readonly route: string; readonly request: object }>();

/** Fastify 5 says on a channel which route handles a request. Answers how to stop listening. */
export function followRouteChannels(): () => void {
  diagnostics.subscribe(FASTIFY_HANDLER, onFastifyHandler);
  return () => diagnostics.unsubscribe(FASTIFY_HANDLER, onFastifyHandler);
}

/** Asked at the response's close, when Express has left `baseUrl` and `route` on the request. */
export function routeOf(request: IncomingMessage): string | undefined {
  return told.get(request)?.route ?? expressRoute(request);
}

/** The framework's request object, where it is another one than Node's and the framework told it. */
export function frameworkRequestOf(request: IncomingMessage): object | undefined {
  return told.get(request)?.request;
}

function expressRoute(request: IncomingMessage & { readonly baseUrl?: unknown; readonly route?: unknown }): string | undefined {
  const { route, baseUrl } = request;
  if (typeof route !== 'object' || route === null || !('path' in route)) return undefined;
  const { path } = route;
  if (typeof path !== 'string') return undefined;
  return `${typeof baseUrl === 'string' ? baseUrl : ''}${path}` || undefined;
}

function onFastifyHandler(message: unknown): void {
  try {
    const { request, route } = message as { request?: { raw?: unknown }; route?: { url?: unknown } };
    if (typeof request?.raw === 'object' && request.raw !== null && typeof route?.url === 'string')
      told.set(request.raw, { route: route.url, request });
  } catch {
    // A message of another shape is another version's: the path speaks for itself.
  }
}
