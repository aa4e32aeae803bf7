/**
 * The server tap: sees every request of every HTTP server in the process, whoever made the server and whenever.
 * It must never throw into the service, and must leave no mark that an instrumentation would unwrap.
 */

import diagnostics from 'node:diagnostics_channel';
import type { EventEmitter } from 'node:events';
// CommonJS `require` of both, so that an instrumentation that waits for them to be loaded sees them in ESM services too.
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import type { Capture } from './capture.js';
import type { Exchange } from './exchange.js';
import { callWhenDurable } from './gate.js';
import { type ResponseTapOptions, wrapHttp2Response, wrapResponse } from './response-tap.js';
import { guard, replace } from './wrap.js';

export interface TapOptions extends ResponseTapOptions {
  /** Called inside the service's handler context, before the handler: the host's span is active now. */
  readonly onHandler: (exchange: Exchange) => void;
  /** Called once a server listens: this process serves. */
  readonly onListening: () => void;
}

const REQUEST_START = 'http.server.request.start';
const REQUEST_EVENTS: ReadonlySet<unknown> = new Set(['request', 'checkContinue', 'checkExpectation']);

export function installTap(options: TapOptions): void {
  diagnostics.subscribe(REQUEST_START, (message) => guard(options.onError, () => open(options.capture, message)));
  wrapEmit(http.Server.prototype, options);
  wrapEmit(https.Server.prototype, options);
  wrapResponse(http.ServerResponse.prototype, options);
  // HTTP/2 servers have classes of their own, which only an instance leads to; neither of these two ever listens.
  wrapEmit(Object.getPrototypeOf(http2.createServer()), options);
  wrapEmit(Object.getPrototypeOf(http2.createSecureServer({})), options);
  wrapHttp2Response(http2.Http2ServerResponse.prototype, options);
}

function open(capture: Capture, message: unknown): void {
  const { request, response } = message as { request: http.IncomingMessage; response: http.ServerResponse };
  capture.open(request, response);
}

/** Innermost, because it is there first: instrumentations wrap around it and their span is active inside. */
function wrapEmit(prototype: EventEmitter, options: TapOptions): void {
  const emit = prototype.emit;
  replace(prototype, 'emit', function tappedEmit(this: EventEmitter, ...args: Parameters<EventEmitter['emit']>): boolean {
    if (args[0] === 'listening') guard(options.onError, options.onListening);
    else if (args[0] === 'clientError') guard(options.onError, () => options.capture.refuse(args[1], args[2]));
    if (!REQUEST_EVENTS.has(args[0])) return Reflect.apply(emit, this, args);
    const exchange = guard(options.onError, () => options.capture.open(args[1], args[2]));
    if (exchange === undefined) return Reflect.apply(emit, this, args);
    return options.capture.run(exchange, () => {
      guard(options.onError, () => options.onHandler(exchange));
      const callHandler = (): boolean => {
        try {
          return Reflect.apply(emit, this, args);
        } catch (thrown) {
          exchange.thrown = thrown;
          throw thrown;
        }
      };
      const begun = guard(options.onError, () => options.capture.begin(exchange));
      if (begun === undefined) return callHandler();
      callWhenDurable(exchange, begun, callHandler, options.capture.refused);
      return true;
    });
  });
}
