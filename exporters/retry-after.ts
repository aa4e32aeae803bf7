/** Reads the header by which a service says when to come back. */

const LONGEST_WAIT_MS = 3_600_000; // a clock that is wrong at either end must not stop delivery for days

/** `Retry-After` in seconds or as an HTTP date; undefined if absent, past or neither. `now`: epoch milliseconds. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return wait > 0 ? Math.min(wait, LONGEST_WAIT_MS) : undefined;
}
