/** The response's side of the tap: counts and copies what is written, and sees the headers actually sent. */

import type http from 'node:http';
import type http2 from 'node:http2';
import { quietly } from './body.js';
import { hashIfBinary } from './body-hash.js';
import type { Capture } from './capture.js';
import type { Exchange } from './exchange.js';
import { withRequestId } from './request-id.js';
import { guard, replace } from './wrap.js';

export interface ResponseTapOptions {
  readonly capture: Capture;
  /** Header to echo the request id in, lower case; undefined for none. */
  readonly echoHeader: string | undefined;
  /** An error of our own, which the service must not see. */
  readonly onError: (error: unknown) => void;
}

export function wrapResponse(prototype: http.ServerResponse, options: ResponseTapOptions): void {
  const { capture, echoHeader } = options;
  const { writeHead } = prototype;
  wrapWriting(prototype, options);
  replace(
    prototype,
    'writeHead',
    function tappedWriteHead(this: http.ServerResponse, ...args: Parameters<typeof writeHead>): http.ServerResponse {
      const exchange = capture.exchangeOf(this);
      // A second head is refused, and says nothing of what was sent.
      if (exchange === undefined || this.headersSent) return Reflect.apply(writeHead, this, args);
      const used = guard(options.onError, () => beforeHead(this, exchange, args, echoHeader)) ?? args;
      return Reflect.apply(writeHead, this, used);
    },
  );
}

/** What is written after the end never leaves: Node refuses it, so it is not counted. */
function wrapWriting(prototype: http.ServerResponse, { capture, onError }: ResponseTapOptions): void {
  const { write, end } = prototype;
  replace(prototype, 'write', function tappedWrite(this: http.ServerResponse, ...args: Parameters<typeof write>): boolean {
    const exchange = capture.exchangeOf(this);
    if (exchange?.isEnding === false && !this.writableEnded) take(this, exchange, args[0], args[1]);
    return Reflect.apply(write, this, args);
  });
  replace(prototype, 'end', function tappedEnd(this: http.ServerResponse, ...args: Parameters<typeof end>): http.ServerResponse {
    const exchange = capture.exchangeOf(this);
    if (exchange === undefined || exchange.isEnding) return Reflect.apply(end, this, args);
    const isFirst = !this.writableEnded;
    if (isFirst) take(this, exchange, args[0], args[1]);
    exchange.isEnding = true;
    try {
      exchange.hold?.beforeEnd();
      return Reflect.apply(end, this, args);
    } finally {
      exchange.isEnding = false;
      if (isFirst && exchange.hold !== undefined && this.writableEnded) guard(onError, () => capture.responseEnded(exchange));
    }
  });
  const { flushHeaders } = prototype;
  replace(prototype, 'flushHeaders', function tappedFlushHeaders(this: http.ServerResponse): void {
    Reflect.apply(flushHeaders, this, []);
    capture.exchangeOf(this)?.hold?.headersFlushed();
  });
}

function take(response: http.ServerResponse, exchange: Exchange, chunk: unknown, encoding: unknown): void {
  const { responseBody: tap, hashKey } = exchange;
  if (tap.size === 0 && hashKey !== undefined) {
    // The headers are sent with the first chunk, if not before.
    const type = exchange.responseContentType ?? response.getHeader('content-type');
    hashIfBinary(tap, hashKey, type, exchange.responseContentEncoding ?? response.getHeader('content-encoding'));
  }
  quietly(tap, chunk, encoding);
}

/** HTTP/2 keeps all headers in one map until they are sent, so setting one beforehand changes nothing else. */
export function wrapHttp2Response(prototype: http2.Http2ServerResponse, options: ResponseTapOptions): void {
  const { capture, echoHeader } = options;
  const before = (response: http2.Http2ServerResponse, given: unknown): void => {
    const message = response as unknown as http.ServerResponse;
    const exchange = capture.exchangeOf(message);
    if (exchange === undefined || response.headersSent || response.stream?.destroyed !== false) return;
    beforeHead(message, exchange, [200, given], undefined);
    if (echoHeader !== undefined && givenHeader(given, echoHeader) === undefined && !response.hasHeader(echoHeader)) {
      response.setHeader(echoHeader, exchange.requestId);
    }
  };
  const methods = prototype as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const name of ['writeHead', 'end', 'flushHeaders']) {
    const original = methods[name];
    if (original === undefined) continue;
    replace(methods, name, function tappedBeforeHead(this: http2.Http2ServerResponse, ...args: unknown[]): unknown {
      guard(options.onError, () => before(this, name === 'writeHead' ? (args[2] ?? args[1]) : undefined));
      return Reflect.apply(original, this, args);
    });
  }
  wrapWriting(prototype as unknown as http.ServerResponse, options);
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
