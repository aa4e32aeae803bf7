/** Calls a handler only once the start record of its request is durable, and answers 503 in its place if that cannot be. */

import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Http2Stream } from 'node:http2';
import type { Exchange } from './exchange.js';
import { deferEnd } from './held-socket.js';
import { define } from './wrap.js';

/** `callHandler` runs at most once, as on the server's own event: what it throws is an uncaught exception. */
export function callWhenDurable(exchange: Exchange, isDurable: Promise<boolean>, callHandler: () => void, onRefused: () => void): void {
  const resume =
    exchange.request.httpVersionMajor > 1 ? deferEvents([exchange.request, exchange.response]) : deferEnd(exchange.request.socket);
  void isDurable.then((durable) => {
    // Out of the promise, where an error thrown would be a rejection.
    process.nextTick(() => {
      // What the handler does at once, promises included, comes before anything else that happens to the connection.
      setImmediate(resume);
      if (durable) {
        silenceClosed(exchange.request);
        return callHandler();
      }
      exchange.isRefused = true;
      exchange.hold?.release();
      onRefused();
      refuse(exchange);
    });
  });
}

function refuse({ response }: Exchange): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(503, { 'content-type': 'text/plain; charset=utf-8', 'retry-after': '1' });
  response.end('The audit trail cannot be written, so this request was not carried out.\n');
}

/** What these throw where the client is gone, a handler that is called at once cannot meet in its first steps. */
function silenceClosed({ stream }: IncomingMessage & { readonly stream?: Http2Stream }): void {
  if (stream === undefined || !(stream.closed || stream.destroyed)) return;
  for (const name of ['additionalHeaders', 'respond', 'respondWithFile', 'respondWithFD']) define(stream, name, () => {});
}

/** Keeps back what happens to them until the function it answers is called. A stream of HTTP/2 cannot be kept from closing. */
function deferEvents(emitters: readonly EventEmitter[]): () => void {
  const deferred: (() => void)[] = [];
  for (const emitter of emitters) {
    const { emit } = emitter;
    define(emitter, 'emit', (...args: Parameters<EventEmitter['emit']>): boolean => {
      deferred.push(() => Reflect.apply(emit, emitter, args));
      return true;
    });
  }
  return () => {
    for (const emitter of emitters) Reflect.deleteProperty(emitter, 'emit');
    for (const event of deferred) event();
  };
}
