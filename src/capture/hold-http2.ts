/**
 * Withholds what an HTTP/2 response sends until its record is durable. It works below all that the service can see: Node builds, checks
 * and counts the response as ever, and only what it hands to the protocol waits.
 */

import type { Http2ServerResponse, ServerHttp2Stream } from 'node:http2';
import type { Exchange } from './exchange.js';
import type { Hold } from './hold.js';
import { HoldPhase, isEventStream } from './hold-phase.js';
import { define } from './wrap.js';

type Method = (...args: readonly never[]) => unknown;
type Done = (error?: Error | null) => void;

interface Write {
  readonly chunk: string | Uint8Array;
  readonly encoding: unknown;
}

/** Of a stream, below Node's JavaScript: every Node from 20 to 26 has it and none documents it. Answers a negative number for an error. */
interface Handle {
  respond(headers: unknown, options: number): number;
}

export function holdHttp2Response(response: Http2ServerResponse, exchange: Exchange): Hold {
  const stream = response.stream as ServerHttp2Stream & Record<'_write' | '_writev' | '_final', Method>;
  const waiting: (() => void)[] = [];
  const phase = new HoldPhase(() => {
    for (const send of waiting.splice(0)) send();
  });
  const isEnding = (): boolean => exchange.isEnding || response.writableEnded;
  const isClosed = (): boolean => stream.closed || stream.destroyed;
  /** The stream of a HEAD request is ended from the start. */
  const isWhole = (): boolean => stream.headersSent && stream.writableEnded;
  /** For what would have come after all that the service has sent. */
  const releaseFirst = (): void => {
    if (!isClosed()) phase.release();
  };
  /** Whether so many more bytes wait. */
  const holds = (size: number): boolean => {
    if (isEventStream(exchange.responseContentType) && !isWhole()) phase.stream();
    return phase.holds(size, isEnding());
  };

  const handle = handleOf(stream);
  // Without it nothing keeps the headers back, and the record must say so.
  if (handle === undefined) phase.stream();
  else {
    const { respond } = handle;
    define(handle, 'respond', (headers: unknown, options: number): number => {
      const send = (): number => Reflect.apply(respond, handle, [headers, options]);
      if (!holds(0)) return send();
      waiting.push(() => isClosed() || send() >= 0 || stream.destroy());
      return 0;
    });
  }

  const { write, _write, _writev, _final, close, destroy } = stream;
  const holdWrites = (writes: readonly Write[], done: Done): void => {
    // The callback tells the service that it may use the memory again, and it may wait for that before it goes on to the end.
    const kept = writes.map(({ chunk, encoding }) => ({ chunk: typeof chunk === 'string' ? chunk : Buffer.from(chunk), encoding }));
    const onSent: Done = (error) => error && stream.destroy(error);
    for (const { chunk, encoding } of kept) waiting.push(() => isClosed() || Reflect.apply(_write, stream, [chunk, encoding, onSent]));
    process.nextTick(done);
  };
  define(stream, 'write', (...args: readonly unknown[]): unknown => {
    if (!isEnding()) holds((args[0] as { readonly length?: number } | null | undefined)?.length ?? 0);
    return Reflect.apply(write, stream, args);
  });
  define(stream, '_write', (chunk: Write['chunk'], encoding: unknown, done: Done): unknown => {
    return phase.isHeld ? holdWrites([{ chunk, encoding }], done) : Reflect.apply(_write, stream, [chunk, encoding, done]);
  });
  define(stream, '_writev', (writes: readonly Write[], done: Done): unknown => {
    return phase.isHeld ? holdWrites(writes, done) : Reflect.apply(_writev, stream, [writes, done]);
  });
  // It alone tells the client that the message is whole, so it waits even where the rest has gone. Node does not wait for the protocol.
  define(stream, '_final', (done: Done): unknown => {
    if (phase.isReleased || isClosed()) return Reflect.apply(_final, stream, [done]);
    waiting.push(() => isClosed() || Reflect.apply(_final, stream, [() => {}]));
    return done();
  });
  define(stream, 'close', (...args: readonly unknown[]): unknown => {
    const send = (): unknown => Reflect.apply(close, stream, args);
    // Node itself closes a stream of which nobody reads the body, once the response is whole.
    if (!phase.isReleased && isWhole() && !isClosed() && !args[0]) return waiting.push(() => setImmediate(send));
    releaseFirst();
    return send();
  });
  define(stream, 'destroy', (...args: readonly unknown[]): unknown => {
    releaseFirst();
    return Reflect.apply(destroy, stream, args);
  });
  // A file is piped to the protocol without a word to anybody.
  for (const name of ['respondWithFile', 'respondWithFD'] as const) {
    const original = stream[name] as Method;
    define(stream, name, (...args: readonly unknown[]): unknown => {
      phase.stream();
      phase.release();
      return Reflect.apply(original, stream, args);
    });
  }

  return {
    get isPartial() {
      return phase.isPartial;
    },
    headersFlushed() {
      // Where there is no body the headers are the whole message.
      if (!isWhole() && !response.writableEnded) phase.stream();
    },
    beforeEnd: () => phase.stopWaiting(),
    release: () => phase.release(),
  };
}

function handleOf(stream: ServerHttp2Stream): Handle | undefined {
  const name = Object.getOwnPropertySymbols(stream).find(({ description }) => description === 'kHandle');
  return name && (stream as unknown as Record<symbol, Handle | undefined>)[name];
}
