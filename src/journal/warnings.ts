/** Warnings that come at most once a minute each, so that a lasting fault does not fill a log. */

import { guard } from './guard.js';

/** Warns under a key; later warnings of the same key are counted and said with the next one that passes. */
export type Warn = (key: string, message: string) => void;

// 60 s: an operator sees that it goes on, and a day of a full disk is 1,440 lines.
const INTERVAL_MS = 60_000;

export function limitWarnings(onWarning: ((message: string) => void) | undefined, nowMs: () => number): Warn {
  const say = guard(onWarning);
  const last = new Map<string, { atMs: number; suppressed: number }>();
  return (key, message) => {
    const seen = last.get(key);
    const now = nowMs();
    if (seen !== undefined && now - seen.atMs < INTERVAL_MS) {
      seen.suppressed += 1;
      return;
    }
    const more = seen !== undefined && seen.suppressed > 0 ? ` (and ${seen.suppressed} times since the last warning)` : '';
    last.set(key, { atMs: now, suppressed: 0 });
    say(`otel-audit: ${message}${more}`);
  };
}
