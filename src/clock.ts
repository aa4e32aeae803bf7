/** RFC 3339 UTC with milliseconds, as `Date.prototype.toISOString` prints it, for the hot path. */

let second = Number.NaN;
let prefix = '';

/** `epochMs` in whole milliseconds since 1970. Only the first time within a second costs a `Date`. */
export function isoTime(epochMs: number): string {
  const currentSecond = Math.floor(epochMs / 1000);
  if (currentSecond !== second) {
    second = currentSecond;
    prefix = new Date(currentSecond * 1000).toISOString().slice(0, -4);
  }
  return `${prefix}${String(epochMs - currentSecond * 1000).padStart(3, '0')}Z`;
}
