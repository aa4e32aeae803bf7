/**
 * Where the members of a record are in the bytes of its line. Looking there takes a quarter of what making objects of them does, and
 * leaves nothing behind to be collected.
 */

/** Of each member of the record and of its objects, in the order of the text: five numbers, of which these are the places. */
export const MEMBER = {
  /** Behind the opening quote of its name. */
  nameStart: 0,
  nameEnd: 1,
  valueStart: 2,
  valueEnd: 3,
  /** How many of those that follow are members of its value; -1 if that is no object. */
  inner: 4,
} as const;

export const MEMBER_SIZE = 5;

/** A list of members that grows. Whoever keeps `numbers` keeps what was listed until then. */
export class MemberList {
  numbers: Int32Array;
  length = 0;

  /** @param bytes to be listed, more or less */
  constructor(bytes: number) {
    this.numbers = new Int32Array(Math.ceil(bytes / BYTES_A_NUMBER));
  }

  /** Answers where it begins. */
  add(nameStart: number, nameEnd: number): number {
    const at = this.length;
    this.length += MEMBER_SIZE;
    if (this.length > this.numbers.length) {
      const grown = new Int32Array(2 * this.length);
      grown.set(this.numbers);
      this.numbers = grown;
    }
    this.numbers[at] = nameStart;
    this.numbers[at + MEMBER.nameEnd] = nameEnd;
    return at;
  }
}

/** Escapes in a line for which a reader of its bytes may have to decode strings after all. */
export const ESCAPED = {
  /** `\\u`: a control character, or half of a surrogate pair. */
  unicode: 1,
  /** A backslash, as in JSON within a string that has escapes of its own. */
  backslash: 2,
} as const;

/**
 * Lists the members of a line, one JSON object without white space, and answers which of `ESCAPED` it has. Undefined if it is anything
 * else; then what was listed means nothing. An answer is as good as having parsed the line: every byte was looked at.
 */
export function listMembers(bytes: Buffer, start: number, end: number, list: MemberList): number | undefined {
  escaped = 0;
  return bytes[start] === BRACE && endOfObject(bytes, start, end, list, DEPTH) === end ? escaped : undefined;
}

let escaped = 0;

const BYTES_A_NUMBER = 8;
/** The record's own members, and those of its objects. */
const DEPTH = 2;

const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const UPPER_E = 0x45;
const BACKSLASH = 0x5c;
const BRACKET = 0x5b;
const LOWER_E = 0x65;
const BRACE = 0x7b;
/** From an opening bracket or brace to the closing one. */
const CLOSING = 2;

/** What a string holds as it is. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) => (byte < SPACE || byte === QUOTE || byte === BACKSLASH ? 0 : 1));

/** How many bytes an escape has, by the one behind its backslash. */
const ESCAPES = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === 0x75) return 6;
  return '"\\/bfnrt'.includes(String.fromCharCode(byte)) ? 2 : 0;
});

const HEX = Uint8Array.from({ length: 256 }, (_, byte) => (/[0-9a-f]/i.test(String.fromCharCode(byte)) ? 1 : 0));

const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const NULL = Buffer.from('null');

/** Behind the object at `from`, or -1. */
function endOfObject(bytes: Buffer, from: number, end: number, list: MemberList, depth: number): number {
  let at = from + 1;
  if (bytes[at] === BRACE + CLOSING) return at + 1;
  for (;;) {
    const valueStart = endOfName(bytes, at, end);
    if (valueStart === -1) return -1;
    const place = list.add(at + 1, valueStart - 2);
    const isObject = bytes[valueStart] === BRACE && depth > 1;
    const valueEnd = isObject ? endOfObject(bytes, valueStart, end, list, depth - 1) : endOfValue(bytes, valueStart, end);
    if (valueEnd === -1) return -1;
    const { numbers } = list;
    numbers[place + MEMBER.valueStart] = valueStart;
    numbers[place + MEMBER.valueEnd] = valueEnd;
    numbers[place + MEMBER.inner] = isObject ? (list.length - place) / MEMBER_SIZE - 1 : -1;
    if (bytes[valueEnd] === BRACE + CLOSING) return valueEnd + 1;
    if (bytes[valueEnd] !== COMMA) return -1;
    at = valueEnd + 1;
  }
}

/** Behind the colon, or -1. */
function endOfName(bytes: Buffer, from: number, end: number): number {
  const behind = bytes[from] === QUOTE ? endOfString(bytes, from, end) : -1;
  return behind !== -1 && bytes[behind] === COLON ? behind + 1 : -1;
}

/** Behind the string whose opening quote is at `from`, or -1. */
function endOfString(bytes: Buffer, from: number, end: number): number {
  let at = from + 1;
  for (;;) {
    if (PLAIN[bytes[at] as number] === 1) {
      at += 1;
      continue;
    }
    // What is behind the line is looked at only here: its line feed is not plain.
    if (at >= end) return -1;
    const byte = bytes[at] as number;
    if (byte === QUOTE) return at + 1;
    if (byte !== BACKSLASH) return -1;
    const length = ESCAPES[bytes[at + 1] as number] as number;
    if (length === 0 || (length === 6 && !areHex(bytes, at + 2))) return -1;
    if (length === 6) escaped |= ESCAPED.unicode;
    else if (bytes[at + 1] === BACKSLASH) escaped |= ESCAPED.backslash;
    at += length;
  }
}

/** Brackets and braces that are open: not on the call stack, as metadata may be deep. */
const open: number[] = [];

function endOfValue(bytes: Buffer, from: number, end: number): number {
  let depth = 0;
  let at = from;
  for (;;) {
    const byte = bytes[at] as number;
    if (byte === BRACE || byte === BRACKET) {
      open[depth] = byte;
      depth += 1;
      at += 1;
      if (bytes[at] !== byte + CLOSING) {
        if (byte === BRACE) at = endOfName(bytes, at, end);
        if (at === -1) return -1;
        continue;
      }
    } else {
      at = byte === QUOTE ? endOfString(bytes, at, end) : endOfWord(bytes, at, end);
      if (at === -1) return -1;
    }
    while (depth > 0 && bytes[at] === (open[depth - 1] as number) + CLOSING) {
      depth -= 1;
      at += 1;
    }
    if (depth === 0) return at;
    if (bytes[at] !== COMMA) return -1;
    at = open[depth - 1] === BRACE ? endOfName(bytes, at + 1, end) : at + 1;
    if (at === -1) return -1;
  }
}

/** Of a number, `true`, `false` or `null`. */
function endOfWord(bytes: Buffer, from: number, end: number): number {
  const first = bytes[from];
  const word = first === TRUE[0] ? TRUE : first === FALSE[0] ? FALSE : first === NULL[0] ? NULL : undefined;
  if (word === undefined) return endOfNumber(bytes, from, end);
  for (let place = 1; place < word.length; place += 1) if (bytes[from + place] !== word[place]) return -1;
  return from + word.length <= end ? from + word.length : -1;
}

function endOfNumber(bytes: Buffer, from: number, end: number): number {
  const whole = bytes[from] === MINUS ? from + 1 : from;
  let at = endOfDigits(bytes, whole, end);
  if (at === whole || (bytes[whole] === ZERO && at > whole + 1)) return -1;
  if (bytes[at] === POINT) {
    const fraction = at + 1;
    at = endOfDigits(bytes, fraction, end);
    if (at === fraction) return -1;
  }
  if (bytes[at] !== LOWER_E && bytes[at] !== UPPER_E) return at;
  const isSigned = bytes[at + 1] === MINUS || bytes[at + 1] === PLUS;
  const exponent = at + (isSigned ? 2 : 1);
  at = endOfDigits(bytes, exponent, end);
  return at === exponent ? -1 : at;
}

function endOfDigits(bytes: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end && (bytes[at] as number) >= ZERO && (bytes[at] as number) <= NINE) at += 1;
  return at;
}

function areHex(bytes: Buffer, from: number): boolean {
  return (
    HEX[bytes[from] as number] === 1 &&
    HEX[bytes[from + 1] as number] === 1 &&
    HEX[bytes[from + 2] as number] === 1 &&
    HEX[bytes[from + 3] as number] === 1
  );
}
