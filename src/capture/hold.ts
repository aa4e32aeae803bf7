/**
 * Withholds what an HTTP/1 response sends until its record is durable. It works below all that the service can see: Node builds,
 * checks and counts the response as ever, and only the finished bytes wait where those of a pipelined response wait for their turn.
 */

import type { ServerResponse } from 'node:http';
import type { Exchange } from './exchange.js';
import { releaseBeforeEnd } from './held-socket.js';
import { HoldPhase, isEventStream } from './hold-phase.js';
import { define } from './wrap.js';

export interface Hold {
  /** True once bytes have left before the record was durable. */
  readonly isPartial: boolean;
  /** The service wants its headers out now: it streams. */
  headersFlushed(): void;
  /** Call before the response's own `end`, which completes the message. */
  beforeEnd(): void;
  /** Lets everything go, and holds nothing any more. */
  release(): void;
}

/** The parts of `http.OutgoingMessage` that every Node from 20 to 26 has and none documents. */
interface Outgoing {
  readonly outputData: { readonly data: unknown; readonly encoding: unknown; readonly callback: unknown }[];
  outputSize: number;
  /** Once the headers are written, in whatever way. */
  readonly _header: string | null;
  readonly _hasBody: boolean;
  readonly _contentLength?: number | null;
  _onPendingData(delta: number): void;
  _writeRaw(data: string | Uint8Array, encoding?: unknown, callback?: unknown, size?: number): boolean;
  _flush(): void;
}

export function holdResponse(response: ServerResponse, exchange: Exchange): Hold {
  const outgoing = response as unknown as Outgoing;
  const { _flush: flush, _writeRaw: writeRaw } = outgoing;
  /** One that was destroyed while it waited for its turn ends the connection when its turn comes, before any of it is sent. */
  let hasTurn = response.socket !== null;
  /** 1xx answers of one that waits for its turn. Node would put the header in front of them. */
  const early: (() => void)[] = [];
  /** Nor is a write of such a one called back before. */
  const written: (() => void)[] = [];
  const phase = new HoldPhase(() => hasTurn && Reflect.apply(flush, response, []));

  /** The bytes that complete the message stay until the end, also of a streamed response. */
  const isLast = (): boolean => {
    const length = outgoing._contentLength;
    return exchange.isEnding || (typeof length === 'number' && outgoing._hasBody && exchange.responseBody.size >= length);
  };
  const holds = (size: number): boolean => {
    if (isEventStream(exchange.responseContentType) && outgoing._hasBody) phase.stream();
    return phase.holds(size, exchange.isEnding) || (!phase.isReleased && isLast());
  };
  const hold = (data: string | Uint8Array, encoding: unknown, callback: unknown): void => {
    // The callback tells the service that it may use the memory again.
    const kept = exchange.isEnding || typeof data === 'string' ? data : Buffer.from(data);
    outgoing.outputData.push({ data: kept, encoding, callback });
    outgoing.outputSize += data.length;
    outgoing._onPendingData(data.length);
  };

  define(response, '_writeRaw', (data: string | Uint8Array, encoding?: unknown, callback?: unknown, size?: number): boolean => {
    if (outgoing._header === null && !hasTurn) {
      early.push(
        () => response.socket?.writable === true && Reflect.apply(response.socket.write, response.socket, [data, encoding, callback]),
      );
      return false;
    }
    // Without a header of its own yet it is a 1xx, which the client waits for before it goes on.
    const passes = outgoing._header === null || response.socket?.destroyed === true || !holds(data.length);
    if (passes) return Reflect.apply(writeRaw, response, [data, encoding, callback, size]);
    const done = typeof encoding === 'function' ? encoding : callback;
    // A service may wait for this before it goes on to the end that it is held for; what `end` waits for is true only once it left.
    if (!exchange.isEnding && typeof done === 'function') {
      if (hasTurn) process.nextTick(done as () => void);
      else written.push(done as () => void);
    }
    hold(data, typeof encoding === 'function' ? null : encoding, exchange.isEnding ? done : undefined);
    return true;
  });
  // Called when a pipelined response has its turn.
  define(response, '_flush', (): void => {
    hasTurn = true;
    for (const send of early.splice(0)) send();
    for (const done of written.splice(0)) process.nextTick(done);
    if (phase.isStreamed || phase.isReleased) Reflect.apply(flush, response, []);
  });

  const forget = releaseBeforeEnd(exchange.request.socket, release);
  function release(): void {
    forget();
    phase.release();
  }
  return {
    get isPartial() {
      return phase.isPartial;
    },
    headersFlushed() {
      // Where there is no body the headers are the whole message, unless another protocol follows them.
      if ((outgoing._hasBody || response.statusCode === 101) && !response.writableEnded) phase.stream();
    },
    beforeEnd() {
      phase.stopWaiting();
      if (phase.isReleased || response.writableEnded || outgoing._header === null || outgoing.outputData.length > 0) return;
      // With nothing left to send, `end` would finish at once: an empty piece, counted as one byte, makes it wait as well.
      outgoing.outputData.push({ data: '', encoding: 'latin1', callback: undefined });
      outgoing.outputSize += 1;
      outgoing._onPendingData(1);
    },
    release,
  };
}
