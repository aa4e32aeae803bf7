/**
 * Verifies bearer tokens with jose, beside the request and never before it. A request is told what is known, and when more
 * will be. jose rather than our own parsing: its checks of algorithm against key are what keeps forged tokens out.
 */

import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import type { BearerToken } from './bearer.js';
import type { Identity } from './identity.js';
import type { ReadIdentity } from './token-identity.js';

/** The verification of one request's token. */
export interface Verification {
  /** Undefined while it is under way. Expiry is judged at the request's time. */
  verdict(): Verdict | undefined;
  readonly settled: Promise<void>;
}

export type Verdict = { readonly identity: Identity } | { readonly reason: UnverifiedReason };

/** Why a token that could be read is not believed. */
export type UnverifiedReason =
  | 'signature'
  | 'expired'
  | 'not_active'
  | 'issuer'
  | 'audience'
  | 'claims'
  | 'algorithm'
  | 'unknown_key'
  | 'keys_unavailable'
  | 'overload'
  | 'timeout';

/** The outcome that all requests with this token share. Times are seconds. */
export type CheckedToken = { readonly atMs: number } & (
  | {
      readonly expires: number | undefined;
      readonly notBefore: number | undefined;
      /** For all requests within these times: made once, as most requests bring a token seen before. */
      readonly believed: Verification;
    }
  | { readonly reason: UnverifiedReason }
);

export interface TokenRules {
  readonly algorithms: readonly string[];
  /** Empty: any. */
  readonly issuers: readonly string[];
  /** Empty: any. */
  readonly audiences: readonly string[];
}

/** Where the key of a token comes from; rejects with a `KeyUnavailable` when nobody can say. */
export type FindKey = (...args: Parameters<JWTVerifyGetKey>) => Promise<Awaited<ReturnType<JWTVerifyGetKey>>>;

export class KeyUnavailable extends Error {
  readonly reason: UnverifiedReason;

  constructor(reason: UnverifiedReason) {
    super(reason);
    this.reason = reason;
  }
}

/** `token` is asked for only where it is not known already: cutting it out of its header takes 2 µs. */
export type Verify = (bearer: BearerToken, token: () => string, atMs: number) => Verification;

// RFC 7519 §4.1.4 allows some leeway for clocks that differ; a token is issued moments before it is first used.
const LEEWAY_S = 30;
// How long an outcome is believed without asking the key again: a key that is withdrawn is obeyed by then.
const BELIEVED_MS = 300_000;
// Checks under way at once: each keeps a thread of the pool busy, which the service's own files and look-ups share.
const MAX_CHECKS = 64;
// Providers publish two or three; each that is tried costs a signature.
const MAX_KEYS = 8;

export function createTokenVerifier(rules: TokenRules, findKey: FindKey, read: ReadIdentity): Verify {
  let underWay = 0;

  async function check(bearer: BearerToken, token: string, atMs: number): Promise<CheckedToken> {
    underWay += 1;
    const checked = await outcomeOf(token, atMs);
    underWay -= 1;
    bearer.checked = checked;
    bearer.checking = undefined;
    return checked;
  }

  async function outcomeOf(token: string, atMs: number): Promise<CheckedToken> {
    try {
      const payload = await verifySignature(token, rules, findKey, atMs);
      const identity = read(payload, { source: 'jwt', verified: true });
      if (identity === undefined) return { atMs, reason: 'claims' };
      return { atMs, expires: payload.exp, notBefore: payload.nbf, believed: settled({ identity }) };
    } catch (error) {
      return { atMs, reason: reasonOf(error) };
    }
  }

  return (bearer, token, atMs) => {
    if (bearer.checking === undefined && isCurrent(bearer.checked, atMs)) return verificationAt(bearer.checked, atMs);
    if (bearer.checking === undefined && underWay >= MAX_CHECKS) return settled({ reason: 'overload' });
    bearer.checking ??= check(bearer, token(), atMs);
    let verdict: Verdict | undefined;
    return {
      verdict: () => verdict,
      settled: bearer.checking.then((checked) => {
        verdict = verificationAt(checked, atMs).verdict();
      }),
    };
  };
}

const SETTLED = Promise.resolve();

function settled(verdict: Verdict): Verification {
  return { verdict: () => verdict, settled: SETTLED };
}

/** What depends on keys or clocks may be otherwise the next time. */
const PASSING: ReadonlySet<UnverifiedReason> = new Set(['unknown_key', 'keys_unavailable', 'not_active']);

function isCurrent(checked: CheckedToken | undefined, atMs: number): checked is CheckedToken {
  if (checked === undefined || atMs - checked.atMs > BELIEVED_MS) return false;
  return 'believed' in checked || !PASSING.has(checked.reason);
}

function verificationAt(checked: CheckedToken, atMs: number): Verification {
  if ('reason' in checked) return settled({ reason: checked.reason });
  if (checked.expires !== undefined && atMs >= (checked.expires + LEEWAY_S) * 1000) return settled({ reason: 'expired' });
  if (checked.notBefore !== undefined && atMs < (checked.notBefore - LEEWAY_S) * 1000) return settled({ reason: 'not_active' });
  return checked.believed;
}

async function verifySignature(token: string, rules: TokenRules, findKey: FindKey, atMs: number): Promise<JWTPayload> {
  // Loaded here: jose is an ES module, and needed only where verification is configured.
  const { jwtVerify, errors } = await import('jose');
  const verifyBy = async (find: FindKey): Promise<JWTPayload> => {
    const { payload } = await jwtVerify(token, find, {
      algorithms: [...rules.algorithms],
      currentDate: new Date(atMs),
      clockTolerance: LEEWAY_S,
      ...(rules.issuers.length > 0 && { issuer: [...rules.issuers] }),
      ...(rules.audiences.length > 0 && { audience: [...rules.audiences] }),
    });
    return payload;
  };
  try {
    return await verifyBy(findKey);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    // The token names no key: while keys are rotated, it may be signed with any of them.
    let left = MAX_KEYS;
    for await (const key of error) {
      left -= 1;
      const payload = await verifyBy(async () => key).catch((fault: unknown) => {
        if (!(fault instanceof errors.JWSSignatureVerificationFailed) || left === 0) throw fault;
      });
      if (payload !== undefined) return payload;
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/** By jose's stable codes: its messages may quote the token. */
function reasonOf(error: unknown): UnverifiedReason {
  if (error instanceof KeyUnavailable) return error.reason;
  const { code, claim } = error as { readonly code?: unknown; readonly claim?: unknown };
  switch (code) {
    case 'ERR_JWT_EXPIRED':
      return 'expired';
    case 'ERR_JWT_CLAIM_VALIDATION_FAILED':
      return claim === 'iss' ? 'issuer' : claim === 'aud' ? 'audience' : claim === 'nbf' ? 'not_active' : 'claims';
    case 'ERR_JOSE_ALG_NOT_ALLOWED':
    case 'ERR_JOSE_NOT_SUPPORTED':
      return 'algorithm';
    case 'ERR_JWKS_NO_MATCHING_KEY':
      return 'unknown_key';
    default:
      return 'signature';
  }
}
