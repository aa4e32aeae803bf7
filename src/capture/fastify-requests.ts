/**
 * Fastify's own request objects: what its plugins decide stands there and not on Node's. By a hook of Fastify itself, before
 * any of the service's, so that a request which a hook or validation refuses is known as well.
 */

import diagnostics from 'node:diagnostics_channel';

interface FastifyRequest {
  readonly raw?: unknown;
  readonly routeOptions?: { readonly url?: unknown };
}

interface FastifyInstance {
  addHook?(name: 'onRequest', hook: (request: FastifyRequest, reply: unknown, done: () => void) => void): unknown;
}

const INITIALIZATION = 'fastify.initialization';
const requests = new WeakMap<object, FastifyRequest>();

/** Every Fastify instance made from now on is followed. Answers how to stop. */
export function followFastify(): () => void {
  diagnostics.subscribe(INITIALIZATION, onInitialization);
  return () => diagnostics.unsubscribe(INITIALIZATION, onInitialization);
}

export function fastifyRequestOf(request: object): object | undefined {
  return requests.get(request);
}

/** Undefined where no route fits. */
export function fastifyRoute(request: object): unknown {
  return requests.get(request)?.routeOptions?.url;
}

function onInitialization(message: unknown): void {
  try {
    const { fastify } = message as { readonly fastify?: FastifyInstance };
    fastify?.addHook?.('onRequest', (request, _reply, done) => {
      const { raw } = request;
      if (typeof raw === 'object' && raw !== null) requests.set(raw, request);
      done();
    });
  } catch {
    // An instance of another shape: what a subscriber throws would end the process.
  }
}
