/**
 * Takes the files out of a multipart body while it goes by: each part's header stays, its content becomes its size, so that
 * names, sizes and fields are known however large the files are. Only removes: redaction sees all that is left.
 */

import { familyOf, parseContentType } from '../redaction/content-type.js';
import type { Elision } from './body.js';

// Of one part. More is no browser's: from there on nothing is taken out, and the cap cuts.
const MAX_HEADER_BYTES = 16_384;
const HEADERS_END = Buffer.from('\r\n\r\n');

/** Undefined for what is not multipart or names no boundary. */
export function createFileElision(contentType: string | undefined): Elision | undefined {
  const { essence, boundary } = parseContentType(contentType);
  if (familyOf(essence) !== 'multipart' || boundary === undefined || boundary === '') return undefined;
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  // The first delimiter may begin the body.
  let held = Buffer.from('\r\n');
  let ownBytes = held.byteLength;
  let inside: 'headers' | 'field' | 'file' | 'unknown' = 'field';
  let fileBytes = 0;

  function take(chunk: Buffer): Buffer {
    const kept: Buffer[] = [];
    let bytes = held.byteLength === 0 ? chunk : Buffer.concat([held, chunk]);
    held = EMPTY;
    while (bytes.byteLength > 0) bytes = inside === 'headers' ? takeHeaders(bytes, kept) : takeContent(bytes, kept);
    return withoutOwn(Buffer.concat(kept));
  }

  /** Answers what comes after them. */
  function takeHeaders(bytes: Buffer, kept: Buffer[]): Buffer {
    const at = bytes.indexOf(HEADERS_END);
    if (at === -1) {
      if (bytes.byteLength > MAX_HEADER_BYTES) inside = 'unknown';
      else held = Buffer.from(bytes);
      return inside === 'unknown' ? bytes : EMPTY;
    }
    const end = at + HEADERS_END.byteLength;
    kept.push(bytes.subarray(0, end));
    inside = isFile(bytes.toString('latin1', 0, end)) ? 'file' : 'field';
    fileBytes = 0;
    return bytes.subarray(end);
  }

  function takeContent(bytes: Buffer, kept: Buffer[]): Buffer {
    const at = inside === 'unknown' ? -1 : bytes.indexOf(delimiter);
    const end = at === -1 ? Math.max(0, bytes.byteLength - (inside === 'unknown' ? 0 : delimiter.byteLength - 1)) : at;
    if (inside === 'file') fileBytes += end;
    else kept.push(bytes.subarray(0, end));
    if (at === -1) {
      held = Buffer.from(bytes.subarray(end));
      return EMPTY;
    }
    if (inside === 'file') kept.push(Buffer.from(`[FILE ${fileBytes} bytes]`));
    kept.push(delimiter);
    inside = 'headers';
    return bytes.subarray(at + delimiter.byteLength);
  }

  /** Without the line break that we have put before the body. */
  function withoutOwn(kept: Buffer): Buffer {
    const own = Math.min(ownBytes, kept.byteLength);
    ownBytes -= own;
    return kept.subarray(own);
  }

  return {
    take,
    rest() {
      const left = inside === 'file' ? EMPTY : held;
      held = EMPTY;
      return withoutOwn(left);
    },
  };
}

function isFile(headers: string): boolean {
  return /^content-disposition:[^\r\n]*;\s*filename\*?\s*=/im.test(headers) || isBinary(/^content-type:([^\r\n]*)/im.exec(headers)?.[1]);
}

function isBinary(contentType: string | undefined): boolean {
  return familyOf(parseContentType(contentType).essence) === 'binary';
}

const EMPTY = Buffer.alloc(0);
