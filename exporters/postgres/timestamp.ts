/** The times of records, which all have one spelling: `2026-11-22T10:00:00.000Z`. */

/** PostgreSQL counts its microseconds from there. */
export const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1);

/** Milliseconds since 1970; undefined for a time in any other spelling, for what is none, and from the year 4000 on. */
export function parseTimestamp(text: string): number | undefined {
  const bytes = Buffer.from(text);
  return timeIn(bytes, 0, bytes.length);
}

/** The same of bytes. */
export function timeIn(bytes: Buffer, start: number, end: number): number | undefined {
  if (end - start !== LENGTH || !isSpelled(bytes, start)) return undefined;
  const hours = digits(bytes, start + 11, 2);
  const minutes = digits(bytes, start + 14, 2);
  const seconds = digits(bytes, start + 17, 2);
  const milliseconds = digits(bytes, start + 20, 3);
  if (!(hours < 24 && minutes < 60 && seconds < 60 && milliseconds < 1000)) return undefined;
  const day = dayMs(bytes, start);
  return day === undefined ? undefined : day + ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds;
}

const LENGTH = 24;
const DAY_LENGTH = 10;
const ZERO = 48;
/** Some centuries later a number no longer holds the microseconds that the protocol wants. */
const END_MS = Date.UTC(4000, 0, 1);

function isSpelled(bytes: Buffer, start: number): boolean {
  return (
    bytes[start + 10] === 0x54 &&
    bytes[start + 13] === 0x3a &&
    bytes[start + 16] === 0x3a &&
    bytes[start + 19] === 0x2e &&
    bytes[start + 23] === 0x5a
  );
}

/** Records come in the order of their days: the engine's own parser and printer take twenty times as long. */
const lastDay = Buffer.from('1970-01-01');
let lastDayMs: number | undefined = 0;

function dayMs(bytes: Buffer, start: number): number | undefined {
  let place = 0;
  while (place < DAY_LENGTH && bytes[start + place] === lastDay[place]) place += 1;
  if (place === DAY_LENGTH) return lastDayMs;
  bytes.copy(lastDay, 0, start, start + DAY_LENGTH);
  const day = lastDay.toString('latin1');
  const ms = Date.parse(`${day}T00:00:00.000Z`);
  lastDayMs = ms < END_MS && new Date(ms).toISOString().startsWith(day) ? ms : undefined;
  return lastDayMs;
}

/** NaN if they are not all digits. */
function digits(bytes: Buffer, from: number, count: number): number {
  let value = 0;
  for (let at = from; at < from + count; at += 1) {
    const digit = (bytes[at] as number) - ZERO;
    value = digit >= 0 && digit <= 9 ? 10 * value + digit : Number.NaN;
  }
  return value;
}
