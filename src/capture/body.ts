/** Keeps the first bytes of a body and counts all of them, without touching the stream's state, order or back-pressure. */

import { createHmac, type Hmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Shortens a body on its way to being kept. */
export interface Elision {
  /** What is to be kept of a chunk, and of what was held back of those before it. */
  take(chunk: Buffer): Buffer;
  /** What is still held back when no more comes. */
  rest(): Buffer;
}

export class BodyTap {
  /** All bytes that went by. */
  size = 0;
  readonly maxBytes: number;
  readonly #elision: Elision | undefined;
  readonly #chunks: Buffer[] = [];
  #kept = 0;
  #isCut = false;
  #hash: Hmac | undefined;

  /** `maxBytes` 0 keeps nothing and only counts. */
  constructor(maxBytes: number, elision?: Elision) {
    this.maxBytes = maxBytes;
    this.#elision = elision;
  }

  /** Not all that was to be kept has found room. Asked when no more comes. */
  get truncated(): boolean {
    this.#keepRest();
    return this.#isCut;
  }

  /** Before the first byte: all that goes by is hashed as well. */
  hashWith(key: string): void {
    if (this.size === 0) this.#hash = createHmac('sha256', key);
  }

  /** Copies: chunks are slices of a pool, and the service may change them. */
  take(chunk: unknown, encoding?: unknown): void {
    if (chunk instanceof Uint8Array)
      this.#takeBytes(Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    else if (typeof chunk === 'string') this.#takeText(chunk, encodingOf(encoding));
  }

  /** What was kept, in one piece. Asked when no more comes. */
  bytes(): Uint8Array {
    this.#keepRest();
    const [first] = this.#chunks;
    if (first === undefined) return EMPTY;
    return this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks, this.#kept);
  }

  /** Of all bytes that went by, in hexadecimal, if that was asked for; once. */
  digest(): string | undefined {
    return this.#hash?.digest('hex');
  }

  #takeText(text: string, encoding: BufferEncoding): void {
    if (this.#hash !== undefined || this.#elision !== undefined) return this.#takeBytes(Buffer.from(text, encoding));
    const size = Buffer.byteLength(text, encoding);
    const room = this.maxBytes - this.#kept;
    this.size += size;
    // Every encoding makes at least half a byte of a code unit, so 2 x room units always fill the room.
    if (room > 0) this.#keep(Buffer.from(text.slice(0, room * 2), encoding).subarray(0, room));
    if (size > room) this.#isCut = true;
  }

  #takeBytes(bytes: Buffer): void {
    this.size += bytes.byteLength;
    this.#hash?.update(bytes);
    this.#keepCopy(this.#elision === undefined || this.#isCut ? bytes : this.#elision.take(bytes));
  }

  #keepRest(): void {
    if (this.#elision !== undefined) this.#keepCopy(this.#elision.rest());
  }

  #keepCopy(bytes: Buffer): void {
    const room = this.maxBytes - this.#kept;
    if (room > 0 && bytes.byteLength > 0) this.#keep(Buffer.from(bytes.subarray(0, room)));
    if (bytes.byteLength > room) this.#isCut = true;
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
