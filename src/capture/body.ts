/** Keeps the first bytes of a body and counts all of them, without touching the stream's state, order or back-pressure. */

import type { IncomingMessage } from 'node:http';

export class BodyTap {
  /** All bytes that went by. */
  size = 0;
  readonly maxBytes: number;
  readonly #chunks: Buffer[] = [];
  #kept = 0;

  /** `maxBytes` 0 keeps nothing and only counts. */
  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get truncated(): boolean {
    return this.size > this.#kept;
  }

  /** Copies: chunks are slices of a pool, and the service may change them. */
  take(chunk: unknown, encoding?: unknown): void {
    const room = this.maxBytes - this.#kept;
    if (typeof chunk === 'string') {
      this.size += Buffer.byteLength(chunk, encodingOf(encoding));
      // Every encoding makes at least half a byte of a code unit, so 2 x room units always fill the room.
      if (room > 0) this.#keep(Buffer.from(chunk.slice(0, room * 2), encodingOf(encoding)).subarray(0, room));
    } else if (chunk instanceof Uint8Array) {
      this.size += chunk.byteLength;
      if (room > 0) this.#keep(Buffer.from(chunk.subarray(0, room)));
    }
  }

  /** What was kept, in one piece. */
  bytes(): Uint8Array {
    const [first] = this.#chunks;
    if (first === undefined) return EMPTY;
    return this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks, this.#kept);
  }

  #keep(bytes: Buffer): void {
    this.#chunks.push(bytes);
    this.#kept += bytes.byteLength;
  }
}

/**
 * Counts and copies what the parser pushes into the request. `push` is looked up on the instance, so overriding it sees
 * every byte for every kind of consumer; a `data` listener would start the flow and take bytes from the service.
 */
export function tapRequest(request: IncomingMessage, tap: BodyTap): void {
  const push = request.push;
  Object.defineProperty(request, 'push', {
    configurable: true,
    enumerable: false,
    writable: true,
    value: function tappedPush(this: IncomingMessage, ...args: Parameters<IncomingMessage['push']>): boolean {
      if (args[0] !== null) quietly(tap, args[0], args[1]);
      return Reflect.apply(push, this, args);
    },
  });
}

/** A tap must never throw into the service's stream. */
export function quietly(tap: BodyTap, chunk: unknown, encoding: unknown): void {
  try {
    tap.take(chunk, encoding);
  } catch {
    // An encoding Node does not know: the service's own call reports it.
  }
}

function encodingOf(encoding: unknown): BufferEncoding {
  return typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8';
}

const EMPTY = Buffer.alloc(0);
