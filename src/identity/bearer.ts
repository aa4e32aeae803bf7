/** The bearer token of a request: decoded once, remembered by its hash. Never keeps the token itself. */

import crypto from 'node:crypto';
import { createRecent } from '../recent.js';
import { type Claims, isClaims } from './claims.js';
import type { Headers, Identity } from './identity.js';
import type { ReadIdentity } from './token-identity.js';
import type { CheckedToken } from './verify-token.js';

/** What is known of one token, shared by all requests that carry it. */
export interface BearerToken {
  /** What it says, unverified; anonymous if it cannot be read. */
  readonly claimed: Identity;
  /** False: it cannot be a JWT, so that verifying it is no use. */
  readonly isReadable: boolean;
  /** What its verification found; for the verifier only. */
  checked?: CheckedToken | undefined;
  /** The verification under way; for the verifier only. */
  checking?: Promise<CheckedToken> | undefined;
}

export type FindBearer = (headers: Headers) => BearerToken | undefined;

// Some 1 KiB each; under a flood of tokens of the greatest length 16 KiB.
const REMEMBERED = 1000;
// Longer tokens are not decoded: Node's own limit for all headers together is 16 KiB.
const MAX_HEADER_LENGTH = 16_384;
const SCHEME = /^bearer /i;
const TOKEN = /^bearer +([\w-]+\.[\w-]+\.[\w-]*) *$/i;

const UNREADABLE: Identity = Object.freeze({
  actor: Object.freeze({ id: 'anonymous', type: 'anonymous', source: 'jwt', verified: false }),
});

export function createBearerTokens(read: ReadIdentity): FindBearer {
  const known = createRecent<BearerToken>(REMEMBERED);
  return (headers) => {
    const header = headers['authorization'];
    if (typeof header !== 'string' || !SCHEME.test(header)) return undefined;
    // Hashed with a collision-free function: under the same key stands what was verified. 1.2 µs for 1.5 KB.
    const key = crypto.hash('sha256', header, 'base64');
    const remembered = known.get(key);
    if (remembered !== undefined) return remembered;
    const bearer = decode(header, read);
    known.set(key, bearer);
    return bearer;
  };
}

/** The token in the header, for whoever verifies it. */
export function tokenOf(headers: Headers): string {
  return TOKEN.exec(String(headers['authorization']))?.[1] ?? '';
}

function decode(header: string, read: ReadIdentity): BearerToken {
  const claims = decodeClaims(header);
  const claimed = claims && read(claims, { source: 'jwt', verified: false });
  return { claimed: claimed ?? UNREADABLE, isReadable: claims !== undefined };
}

function decodeClaims(header: string): Claims | undefined {
  if (header.length > MAX_HEADER_LENGTH) return undefined;
  const payload = TOKEN.exec(header)?.[1]?.split('.')[1];
  if (payload === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return isClaims(claims) ? claims : undefined;
  } catch {
    return undefined;
  }
}
