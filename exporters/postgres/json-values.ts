/** Reads JSON values where they lie among bytes. What has the usual form takes a few nanoseconds; the rest is parsed. */

/** Quicker than a comparison by the runtime, as what is compared is short. */
export function areEqual(bytes: Buffer, start: number, others: Buffer, other: number, length: number): boolean {
  for (let place = 0; place < length; place += 1) if (bytes[start + place] !== others[other + place]) return false;
  return true;
}

export function valueIn(bytes: Buffer, start: number, end: number): unknown {
  return JSON.parse(bytes.toString('utf8', start, end));
}

export function numberIn(bytes: Buffer, start: number, end: number): number {
  let value = 0;
  let scale = 0;
  for (let at = start; at < end; at += 1) {
    const digit = (bytes[at] as number) - ZERO;
    if (digit >= 0 && digit <= 9) {
      value = 10 * value + digit;
      scale *= 10;
    } else if (bytes[at] === POINT && scale === 0) scale = 1;
    else return Number(bytes.toString('latin1', start, end));
  }
  if (end - start > EXACT_DIGITS) return Number(bytes.toString('latin1', start, end));
  return scale === 0 ? value : value / scale;
}

/** 36 lower-case characters, as PostgreSQL prints it. */
export function isUuid(bytes: Buffer, start: number, end: number): boolean {
  if (end - start !== UUID_LENGTH) return false;
  for (let place = 0; place < UUID_LENGTH; place += 1) {
    const byte = bytes[start + place] as number;
    const isHyphen = place === 8 || place === 13 || place === 18 || place === 23;
    if (isHyphen ? byte !== HYPHEN : !(byte >= ZERO && byte <= NINE) && !(byte >= LOWER_A && byte <= LOWER_F)) return false;
  }
  return true;
}

/** Four numbers below 256 without leading zeros. */
export function isIPv4In(bytes: Buffer, start: number, end: number): boolean {
  let parts = 1;
  let digits = 0;
  let value = 0;
  for (let at = start; at < end; at += 1) {
    const digit = (bytes[at] as number) - ZERO;
    if (digit >= 0 && digit <= 9) {
      if (digits > 0 && value === 0) return false;
      value = 10 * value + digit;
      digits += 1;
      if (value > 255) return false;
    } else {
      if (bytes[at] !== POINT || digits === 0) return false;
      parts += 1;
      digits = 0;
      value = 0;
    }
  }
  return parts === 4 && digits > 0;
}

/** Writes the 16 bytes of hexadecimal digits, of whatever case, among hyphens. */
export function putUuid(bytes: Buffer, start: number, end: number, target: Buffer, from: number): void {
  let to = from;
  let high = -1;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (byte === HYPHEN) continue;
    const digit = byte <= NINE ? byte - ZERO : (byte | CASE) - LOWER_A + 10;
    if (high === -1) high = digit;
    else {
      target[to++] = (high << 4) | digit;
      high = -1;
    }
  }
}

/** Numbers of so many digits, and ten to that power, are exact; so their quotient is the nearest there is. */
const EXACT_DIGITS = 15;
const UUID_LENGTH = 36;
const HYPHEN = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const LOWER_A = 0x61;
const LOWER_F = 0x66;
/** Between upper and lower case. */
const CASE = 0x20;
