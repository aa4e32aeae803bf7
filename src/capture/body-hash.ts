/** Hashes what is recorded by size and hash only: a binary body, however large. */

import { familyOf, parseContentType } from '../redaction/content-type.js';
import type { BodyTap } from './body.js';

/** Before the body's first byte. An encoded body is hashed decoded, if it was kept whole, and else not at all. */
export function hashIfBinary(tap: BodyTap, key: string | undefined, contentType: unknown, contentEncoding: unknown): void {
  if (key === undefined || tap.maxBytes === 0 || (contentEncoding !== undefined && contentEncoding !== 'identity')) return;
  const family = familyOf(parseContentType(typeof contentType === 'string' ? contentType : undefined).essence);
  // What has no known type may turn out to be binary.
  if (family === 'binary' || family === 'unknown') tap.hashWith(key);
}
