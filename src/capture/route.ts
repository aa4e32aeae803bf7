/** What a framework says of a request: the route pattern it matched, and the object that has its user. */

import diagnostics from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { expressRoute } from './express-route.js';
import { fastifyRequestOf, fastifyRoute, followFastify } from './fastify-requests.js';
import { hapiRoute, hapiUser } from './hapi-route.js';
import { honoRoute } from './hono-route.js';
import { koaRoute, koaState } from './koa-route.js';
import { textOf } from './remembered.js';

/** What OpenTelemetry's framework instrumentations leave for the HTTP instrumentation; the route comes when it is matched. */
export interface RpcMetadata {
  readonly route?: unknown;
}

const FASTIFY_HANDLER = 'tracing:fastify.request.handler:start';
/** Where Next.js keeps what it knows of a request, on the request itself. */
const NEXT_META = Symbol.for('NextInternalRequestMeta');
/** What Next.js calls the page that answers when nothing matched. */
const NEXT_NOT_FOUND = '/_not-found';
const told = new WeakMap<object, { readonly route: string; readonly request: object }>();
const shared = new WeakMap<object, RpcMetadata>();

/** Fastify says on channels that it is there, and since version 5 which route handles a request. Answers how to stop listening. */
export function followRouteChannels(): () => void {
  const unfollow = followFastify();
  diagnostics.subscribe(FASTIFY_HANDLER, onFastifyHandler);
  return () => {
    unfollow();
    diagnostics.unsubscribe(FASTIFY_HANDLER, onFastifyHandler);
  };
}

/** Remembers the host's metadata of a request: by its close, the context that has it is gone. */
export function followRpcMetadata(request: object, metadata: RpcMetadata): void {
  shared.set(request, metadata);
}

/** What has the service's user, where that is another object than Node's request. */
export function frameworkRequestOf(request: IncomingMessage): object | undefined {
  return told.get(request)?.request ?? fastifyRequestOf(request) ?? koaState(request) ?? hapiUser(request);
}

/** Asked at the response's close, when the frameworks have left on the request what they matched. */
export function routeOf(request: IncomingMessage): string | undefined {
  try {
    return (
      told.get(request)?.route ??
      textOf(fastifyRoute(request)) ??
      expressRoute(request) ??
      nextRoute(request) ??
      koaRoute(request) ??
      hapiRoute(request) ??
      honoRoute(request) ??
      textOf(shared.get(request)?.route)
    );
  } catch {
    // Objects of another shape are another version's: the path speaks for itself.
    return undefined;
  }
}

function nextRoute(request: object): string | undefined {
  const meta = (request as Record<symbol, unknown>)[NEXT_META] as
    | { readonly match?: { readonly definition?: { readonly pathname?: unknown } } | null }
    | undefined;
  const pathname = textOf(meta?.match?.definition?.pathname);
  return pathname === NEXT_NOT_FOUND ? undefined : pathname;
}

function onFastifyHandler(message: unknown): void {
  try {
    const { request, route } = message as { request?: { raw?: unknown }; route?: { url?: unknown } };
    if (typeof request?.raw === 'object' && request.raw !== null && typeof route?.url === 'string')
      told.set(request.raw, { route: route.url, request });
  } catch {
    // As in `routeOf`.
  }
}
