/** Withholds what an HTTP/2 response sends until its record is durable: the calls on its stream wait, and look as if they had been made. */

import type { Http2ServerResponse, ServerHttp2Stream } from 'node:http2';
import type { Exchange } from './exchange.js';
import type { Hold } from './hold.js';
import { HoldPhase, isEventStream } from './hold-phase.js';

type Call = (...args: readonly unknown[]) => unknown;

export function holdHttp2Response(response: Http2ServerResponse, exchange: Exchange): Hold {
  const stream = response.stream as ServerHttp2Stream & Record<string, unknown>;
  const waiting: (() => void)[] = [];
  const phase = new HoldPhase(() => {
    Reflect.deleteProperty(stream, 'headersSent');
    for (const call of waiting.splice(0)) call();
  });
  const holds = (size: number): boolean => {
    if (isEventStream(exchange.responseContentType)) phase.stream();
    return phase.holds(size, exchange.isEnding);
  };
  const wrap = (
    name: 'respond' | 'write' | 'end',
    mayHold: (args: readonly unknown[]) => boolean,
    answer: (args: readonly unknown[]) => unknown,
  ): void => {
    const original = stream[name] as Call;
    const value = (...args: readonly unknown[]): unknown => {
      if (stream.destroyed || !mayHold(args)) return Reflect.apply(original, stream, args);
      const kept = args.map(keep);
      waiting.push(() => stream.destroyed || Reflect.apply(original, stream, kept));
      return answer(args);
    };
    Object.defineProperty(stream, name, { value, configurable: true, enumerable: false, writable: true });
  };

  wrap(
    'respond',
    () => holds(0),
    () => Object.defineProperty(stream, 'headersSent', { value: true, configurable: true }),
  );
  wrap(
    'write',
    ([chunk]) => holds((chunk as string | Uint8Array).length),
    (args) => {
      const done = args.find((argument) => typeof argument === 'function');
      if (done !== undefined) process.nextTick(done as () => void);
      return true;
    },
  );
  // It alone tells the client that the message is whole, so it waits even where the rest has gone.
  wrap(
    'end',
    () => !phase.isReleased,
    () => stream,
  );
  return {
    get isPartial() {
      return phase.isPartial;
    },
    headersFlushed() {
      if (exchange.request.method !== 'HEAD' && !response.writableEnded) phase.stream();
    },
    beforeEnd: () => phase.stopWaiting(),
    release: () => phase.release(),
  };
}

/** The service may change its memory once the callback was called, which is done already. */
function keep(argument: unknown): unknown {
  if (argument instanceof Uint8Array) return Buffer.from(argument);
  return typeof argument === 'function' ? undefined : argument;
}
