/** The canonical form of what `jsonb` says, byte by byte, where that takes no more than leaving out spaces and sorting members. */

/**
 * Answers where it ended in `target`, or -1 where the text has to be parsed: an object within another, or names that need decoding. Numbers
 * and escapes are taken as they are spelled: were that not the canonical spelling, the whole would not match its hash.
 */
export function putFlat(bytes: Buffer, start: number, end: number, target: Buffer, from: number): number {
  const count = split(bytes, start, end);
  if (count === -1) return -1;
  sort(bytes, count);
  let at = from;
  target[at++] = BRACE;
  for (let member = 0; member < count; member += 1) {
    if (member > 0) target[at++] = COMMA;
    at = putWithoutSpaces(bytes, begins[member] as number, ends[member] as number, target, at);
  }
  target[at] = END_BRACE;
  return at + 1;
}

/** Of headers and metadata; what has more is parsed. */
const MAX_MEMBERS = 32;
/** Of each member: its name's opening quote … */
const begins = new Int32Array(MAX_MEMBERS);
/** … and what comes after its value. */
const ends = new Int32Array(MAX_MEMBERS);

/** How many members there are; -1 if it is none of these objects. */
function split(bytes: Buffer, start: number, end: number): number {
  if (bytes[start] !== BRACE) return -1;
  let count = 0;
  for (let next = start + 1; next < end; next += 1) {
    const byte = bytes[next] as number;
    if (byte === BRACE) return -1;
    if (byte !== QUOTE) continue;
    const from = next;
    next = endOfText(bytes, from + 1);
    // Only a name has a colon behind it.
    if (bytes[next + 1] !== COLON) continue;
    if (count === MAX_MEMBERS || !isPlain(bytes, from + 1, next)) return -1;
    // Before the comma and the space that PostgreSQL puts between members.
    if (count > 0) ends[count - 1] = from - 2;
    begins[count++] = from;
  }
  if (count > 0) ends[count - 1] = end - 1;
  return count;
}

/** Mostly in order, or nearly: PostgreSQL has shorter names first. */
function sort(bytes: Buffer, count: number): void {
  for (let place = 1; place < count; place += 1) {
    const begin = begins[place] as number;
    const end = ends[place] as number;
    let before = place - 1;
    for (; before >= 0 && isBefore(bytes, begin, begins[before] as number); before -= 1) {
      begins[before + 1] = begins[before] as number;
      ends[before + 1] = ends[before] as number;
    }
    begins[before + 1] = begin;
    ends[before + 1] = end;
  }
}

/** Of two names, from their opening quotes on. */
function isBefore(bytes: Buffer, a: number, b: number): boolean {
  for (let at = 1; ; at += 1) {
    const one = bytes[a + at] as number;
    const other = bytes[b + at] as number;
    if (one !== other) return one < other;
    if (one === QUOTE) return false;
  }
}

function putWithoutSpaces(bytes: Buffer, start: number, end: number, target: Buffer, from: number): number {
  let at = from;
  for (let next = start; next < end; next += 1) {
    const byte = bytes[next] as number;
    if (byte === SPACE) continue;
    if (byte !== QUOTE) target[at++] = byte;
    else {
      const to = endOfText(bytes, next + 1);
      for (; next < to; next += 1) target[at++] = bytes[next] as number;
      target[at++] = QUOTE;
    }
  }
  return at;
}

/** Where the closing quote is. */
function endOfText(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}

/** Visible ASCII without escapes: there bytes are ordered as UTF-16 units are, and a closing quote goes before all of them. */
function isPlain(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] as number;
    if (byte <= QUOTE || byte > DEL || byte === BACKSLASH) return false;
  }
  return true;
}

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const BRACE = 0x7b;
const END_BRACE = 0x7d;
const DEL = 0x7f;
