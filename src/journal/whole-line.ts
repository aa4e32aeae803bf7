/** Checks a line against its own hash where it lies in a file's bytes: parsing it would cost several times what hashing it does. */

import type { JournalledRecord } from '../record.js';
import { GENESIS_HASH, HASH_MEMBER_BYTES, sha256 } from './chain.js';

/** What is asked of a record that is whole; `action` and `metadata` only of those of kind `lifecycle`. */
export type WholeRecord = Pick<JournalledRecord, 'id' | 'kind' | 'observedTime' | 'integrity'> &
  Partial<Pick<JournalledRecord, 'action' | 'metadata'>>;

/** Lines in memory. */
export interface LineBytes {
  readonly bytes: Buffer;
  /** The same, a character a byte (`latin1`): searching in it is cheaper. */
  readonly latin1: string;
}

/**
 * Undefined where the bytes alone do not tell; then `verifyLine` has to, on what `latin1` holds: the bytes may be spoilt.
 *
 * The hash is of the text without one member. Within a JSON string no quote is bare, so that the place of that member is found in the
 * text; but `changes`, `metadata` and headers may hold members of any name, and where there are two such places nothing is told.
 */
export function readWholeLine({ bytes, latin1 }: LineBytes, from: number, to: number): WholeRecord | undefined {
  const place = latin1.indexOf(INTEGRITY, from);
  const epochAt = place + INTEGRITY.length;
  if (!isWithin(place, to) || isWithin(latin1.indexOf(INTEGRITY, epochAt), to)) return undefined;
  const hashAt = latin1.indexOf(HASH, epochAt) + HASH.length;
  const prevHashAt = hashAt + DIGITS + PREV_HASH.length;
  const seqAt = prevHashAt + DIGITS + SEQ.length;
  const seqEnd = latin1.indexOf(STREAM, seqAt);
  const streamAt = seqEnd + STREAM.length;
  const streamEnd = latin1.indexOf('"', streamAt);
  const kindAt = streamEnd + KIND.length;
  const isOurs =
    kindAt < to &&
    latin1.startsWith(PREV_HASH, hashAt + DIGITS) &&
    latin1.startsWith(SEQ, prevHashAt + DIGITS) &&
    latin1.startsWith(KIND, streamEnd);
  if (!isOurs || latin1.startsWith('lifecycle', kindAt)) return undefined;

  const observed = latin1.indexOf(OBSERVED, kindAt);
  const observedAt = observed + OBSERVED.length;
  const idAt = latin1.lastIndexOf(ID, place) + ID.length;
  const id = bytes.toString('latin1', idAt, place - 1);
  const stream = streamIn(latin1, streamAt, streamEnd);
  const epoch = Number(latin1.slice(epochAt, hashAt - HASH.length));
  const seq = Number(latin1.slice(seqAt, seqEnd));
  const isTold = isWithin(observed, to) && !isWithin(latin1.indexOf(OBSERVED, observedAt), to);
  if (!isTold || !PLAIN.test(id) || !PLAIN.test(stream) || !Number.isSafeInteger(epoch) || !Number.isSafeInteger(seq)) return undefined;

  const prevHash = hashIn(latin1, prevHashAt);
  lastHash = hashWithout(bytes, from, hashAt - HASH_BEGINS, to);
  if (!latin1.startsWith(lastHash, hashAt)) return undefined;
  return {
    id,
    kind: latin1.slice(kindAt, latin1.indexOf('"', kindAt)) as WholeRecord['kind'],
    observedTime: latin1.slice(observedAt, latin1.indexOf('"', observedAt)),
    integrity: { epoch, hash: lastHash, prevHash, seq, stream },
  };
}

const INTEGRITY = ',"integrity":{"epoch":';
const HASH = ',"hash":"';
/** From the beginning of its member to the hash. */
const HASH_BEGINS = HASH.length - 1;
const DIGITS = 64;
const PREV_HASH = '","prevHash":"';
const SEQ = '","seq":';
const STREAM = ',"stream":"';
const KIND = '"},"kind":"';
const ID = ',"id":"';
const OBSERVED = ',"observedTime":"';
/** ASCII without escapes: the same in bytes, in characters and in JSON. */
const PLAIN = /^[ !#-[\]-~]*$/;

// Strings of their own, mostly the same ones: slices, if kept, would keep all the lines.
let lastHash = GENESIS_HASH;
let lastStream = '';

function hashIn(latin1: string, at: number): string {
  return latin1.startsWith(lastHash, at) ? lastHash : copyOf(latin1.slice(at, at + DIGITS));
}

function streamIn(latin1: string, from: number, to: number): string {
  if (to - from !== lastStream.length || !latin1.startsWith(lastStream, from)) lastStream = copyOf(latin1.slice(from, to));
  return lastStream;
}

function copyOf(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** Moves what is before the member over it. */
function hashWithout(bytes: Buffer, from: number, memberAt: number, to: number): string {
  bytes.copyWithin(from + HASH_MEMBER_BYTES, from, memberAt);
  return sha256(bytes.subarray(from + HASH_MEMBER_BYTES, to));
}

function isWithin(at: number, to: number): boolean {
  return at !== -1 && at < to;
}
