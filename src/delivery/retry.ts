/** When to offer again: exponential backoff with jitter, and a breaker that only probes a sink that keeps failing. */

const FIRST_MS = 200;
const MAX_MS = 30_000;
/** ±50 %: a fleet that lost its database together must not come back together. */
const JITTER = 0.5;
const BREAKER_FAILURES = 10;
const PROBE_MS = 5000;
/** A sink may ask for more patience than our own bound, but not for ever. */
const MAX_ASKED_MS = 600_000;

export class RetryPolicy {
  readonly #random: () => number;
  #failures = 0;
  #backoffMs = FIRST_MS;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Open: the next offer is a probe of one record. */
  get isOpen(): boolean {
    return this.#failures >= BREAKER_FAILURES;
  }

  /** The sink took at least one record. */
  accepted(): void {
    this.#failures = 0;
    this.#backoffMs = FIRST_MS;
  }

  /** The sink took none. */
  refused(): void {
    this.#failures += 1;
  }

  /** How long to wait before the next offer; what the sink asks for wins. */
  nextDelayMs(askedMs: number | undefined): number {
    if (askedMs !== undefined && askedMs >= 0) return Math.min(askedMs, MAX_ASKED_MS);
    if (this.isOpen) return PROBE_MS;
    const delayMs = this.#backoffMs * (1 - JITTER + 2 * JITTER * this.#random());
    this.#backoffMs = Math.min(2 * this.#backoffMs, MAX_MS);
    return Math.min(delayMs, MAX_MS);
  }
}
