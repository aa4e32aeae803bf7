/**
 * The server tap: sees every request of every HTTP server in the process, whoever made the server and whenever.
 * It must never throw into the service, and must leave no mark that an instrumentation would unwrap.
 */

import diagnostics from 'node:diagnostics_channel';
import type { EventEmitter } from 'node:events';
// CommonJS `require` of both, so that an instrumentation that waits for them to be loaded sees them in ESM services too.
import http from 'node:http';
import https from 'node:https';
import { quietly } from './body.js';
import type { Capture } from './capture.js';
import type { Exchange } from './exchange.js';
import { withRequestId } from './request-id.js';

export interface TapOptions {
  readonly capture: Capture;
  /** Header to echo the request id in, lower case; undefined for none. */
  readonly echoHeader: string | undefined;
  /** Called inside the service's handler context, before the handler: the host's span is active now. */
  readonly onHandler: (exchange: Exchange) => void;
  /** Called once a server listens: this process serves. */
  readonly onListening: () => void;
  /** An error of our own, which the service must not see. */
  readonly onError: (error: unknown) => void;
}

const REQUEST_START = 'http.server.request.start';
const REQUEST_EVENTS: ReadonlySet<unknown> = new Set(['request', 'checkContinue', 'checkExpectation']);

export function installTap(options: TapOptions): void {
  diagnostics.subscribe(REQUEST_START, (message) => guard(options, () => open(options.capture, message)));
  wrapEmit(http.Server.prototype, options);
  wrapEmit(https.Server.prototype, options);
  wrapResponse(http.ServerResponse.prototype, options);
}

function open(capture: Capture, message: unknown): void {
  const { request, response } = message as { request: http.IncomingMessage; response: http.ServerResponse };
  capture.open(request, response);
}

/** Innermost, because it is there first: instrumentations wrap around it and their span is active inside. */
function wrapEmit(prototype: EventEmitter, options: TapOptions): void {
  const emit = prototype.emit;
  replace(prototype, 'emit', function tappedEmit(this: EventEmitter, ...args: Parameters<EventEmitter['emit']>): boolean {
    if (args[0] === 'listening') guard(options, options.onListening);
    if (!REQUEST_EVENTS.has(args[0])) return Reflect.apply(emit, this, args);
    const exchange = guard(options, () => options.capture.open(args[1], args[2]));
    if (exchange === undefined) return Reflect.apply(emit, this, args);
    return options.capture.run(exchange, () => {
      guard(options, () => options.onHandler(exchange));
      try {
        return Reflect.apply(emit, this, args);
      } catch (thrown) {
        exchange.thrown = thrown;
        throw thrown;
      }
    });
  });
}

/** What is written after the end never leaves: Node refuses it, so it is not counted. */
function wrapResponse(prototype: http.ServerResponse, options: TapOptions): void {
  const { capture, echoHeader } = options;
  const { write, end, writeHead } = prototype;
  replace(prototype, 'write', function tappedWrite(this: http.ServerResponse, ...args: Parameters<typeof write>): boolean {
    const exchange = capture.exchangeOf(this);
    if (exchange !== undefined && !this.writableEnded) quietly(exchange.responseBody, args[0], args[1]);
    return Reflect.apply(write, this, args);
  });
  replace(prototype, 'end', function tappedEnd(this: http.ServerResponse, ...args: Parameters<typeof end>): http.ServerResponse {
    const exchange = capture.exchangeOf(this);
    if (exchange !== undefined && !this.writableEnded) quietly(exchange.responseBody, args[0], args[1]);
    return Reflect.apply(end, this, args);
  });
  replace(
    prototype,
    'writeHead',
    function tappedWriteHead(this: http.ServerResponse, ...args: Parameters<typeof writeHead>): http.ServerResponse {
      const exchange = capture.exchangeOf(this);
      if (exchange === undefined) return Reflect.apply(writeHead, this, args);
      const used = guard(options, () => beforeHead(this, exchange, args, echoHeader)) ?? args;
      return Reflect.apply(writeHead, this, used);
    },
  );
}

function beforeHead(
  response: http.ServerResponse,
  exchange: Exchange,
  args: readonly unknown[],
  echoHeader: string | undefined,
): readonly unknown[] {
  const headers = typeof args[1] === 'string' ? args[2] : (args[2] ?? args[1]);
  exchange.responseContentType = sentHeader(response, headers, 'content-type');
  exchange.responseContentEncoding = sentHeader(response, headers, 'content-encoding');
  return echoHeader === undefined ? args : withRequestId(response, args, echoHeader, exchange.requestId);
}

/** Headers given to `writeHead` win over those set before, and are on no other record if none were set before. */
function sentHeader(response: http.ServerResponse, headers: unknown, name: string): string | undefined {
  const value = givenHeader(headers, name) ?? response.getHeader(name);
  return value === undefined ? undefined : String(value);
}

function givenHeader(headers: unknown, name: string): unknown {
  if (typeof headers !== 'object' || headers === null) return undefined;
  const pairs: readonly unknown[] = Array.isArray(headers) ? headers : Object.entries(headers);
  if (pairs.length > 0 && Array.isArray(pairs[0]))
    return (pairs as readonly unknown[][]).find(([key]) => String(key).toLowerCase() === name)?.[1];
  const index = pairs.findIndex((key, position) => position % 2 === 0 && String(key).toLowerCase() === name);
  return index === -1 ? undefined : pairs[index + 1];
}

/** Same name, same arity, same attributes as what it replaces. */
function replace<Target extends object, Name extends keyof Target & string>(
  target: Target,
  name: Name,
  value: (...args: never[]) => unknown,
): void {
  const original = target[name] as (...args: never[]) => unknown;
  Object.defineProperty(value, 'name', { value: original.name, configurable: true });
  Object.defineProperty(value, 'length', { value: original.length, configurable: true });
  Object.defineProperty(target, name, { value, configurable: true, enumerable: true, writable: true });
}

function guard<T>(options: TapOptions, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    options.onError(error);
    return undefined;
  }
}
