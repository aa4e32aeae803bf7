/** How far the hold of one response has come: everything waits, or only its end, or nothing. */

// What a handler may write ahead of its end; the memory a held response may cost besides what the service itself holds.
const MAX_HELD_BYTES = 64 * 1024;
// A response that has begun and not ended by then is streamed: somebody may be waiting for what is there.
const STREAMED_AFTER_MS = 1000;

/** Events are read as they come: nobody waits for the end of such a response. */
export function isEventStream(contentType: string | undefined): boolean {
  return contentType?.startsWith('text/event-stream') === true;
}

export class HoldPhase {
  readonly #flush: () => void;
  #phase: 'held' | 'streamed' | 'released' = 'held';
  #heldBytes = 0;
  #wasStreamed = false;
  #timer: NodeJS.Timeout | undefined;

  /** `flush` sends what has been held. */
  constructor(flush: () => void) {
    this.#flush = flush;
  }

  get isHeld(): boolean {
    return this.#phase === 'held';
  }

  get isStreamed(): boolean {
    return this.#phase === 'streamed';
  }

  get isReleased(): boolean {
    return this.#phase === 'released';
  }

  get isPartial(): boolean {
    return this.#wasStreamed;
  }

  /** Whether so many more bytes are held back; too many make it a streamed response. What `end` brings is in memory anyway. */
  holds(bytes: number, isEnding: boolean): boolean {
    if (this.#phase !== 'held') return false;
    if (isEnding) return true;
    this.#heldBytes += bytes;
    if (this.#heldBytes > MAX_HELD_BYTES) {
      this.stream();
      return false;
    }
    this.#timer ??= setTimeout(() => this.stream(), STREAMED_AFTER_MS).unref();
    return true;
  }

  stream(): void {
    this.stopWaiting();
    if (this.#phase !== 'held') return;
    this.#phase = 'streamed';
    this.#wasStreamed = true;
    this.#flush();
  }

  stopWaiting(): void {
    clearTimeout(this.#timer);
  }

  release(): void {
    this.stopWaiting();
    if (this.#phase === 'released') return;
    this.#phase = 'released';
    this.#flush();
  }
}
