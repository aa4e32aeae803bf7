/** The times of records, which all have one spelling: `2026-11-22T10:00:00.000Z`. */

/** PostgreSQL counts its microseconds from there. */
export const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1);

/** Milliseconds since 1970; undefined for a time in any other spelling, for what is none, and from the year 4000 on. */
export function parseTimestamp(text: string): number | undefined {
  if (text.length !== LENGTH || text[SEPARATOR] !== 'T' || text[13] !== ':' || text[16] !== ':' || text[19] !== '.' || text[23] !== 'Z')
    return undefined;
  const hours = digits(text, 11, 13);
  const minutes = digits(text, 14, 16);
  const seconds = digits(text, 17, 19);
  const milliseconds = digits(text, 20, 23);
  if (!(hours < 24 && minutes < 60 && seconds < 60 && milliseconds < 1000)) return undefined;
  const day = dayMs(text.slice(0, SEPARATOR));
  return day === undefined ? undefined : day + ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds;
}

const LENGTH = 24;
const SEPARATOR = 10;
const ZERO = 48;
/** Some centuries later a number no longer holds the microseconds that the protocol wants. */
const END_MS = Date.UTC(4000, 0, 1);

/** Records come in the order of their days: the engine's own parser and printer take twenty times as long. */
let lastDay = '1970-01-01';
let lastDayMs: number | undefined = 0;

function dayMs(day: string): number | undefined {
  if (day === lastDay) return lastDayMs;
  const ms = Date.parse(`${day}T00:00:00.000Z`);
  lastDay = day;
  lastDayMs = ms < END_MS && new Date(ms).toISOString().startsWith(day) ? ms : undefined;
  return lastDayMs;
}

/** NaN if they are not all digits. */
function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at += 1) {
    const digit = text.charCodeAt(at) - ZERO;
    value = digit >= 0 && digit <= 9 ? 10 * value + digit : Number.NaN;
  }
  return value;
}
