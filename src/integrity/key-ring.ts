/** The public keys a verifier believes, and since and until when: given one by one, or as a ledger in which each key is endorsed by one before it. */

import { canonicalize } from '../canonical.js';
import { isSignedBy, keyIdOf, parsePublicKey, type SigningKey } from './signing-key.js';

/** One line of a ledger. `by` is the key that signed the line: the first key signs itself, every other is endorsed. */
export interface LedgerEntry {
  readonly type: 'added' | 'retired';
  readonly keyId: string;
  /** Base64 of 32 bytes; of an `added` key. */
  readonly publicKey?: string | undefined;
  /** From then on the key is valid, or no longer. RFC 3339 UTC. */
  readonly time: string;
  readonly by: string;
  /** Ed25519 over the RFC 8785 form of the other members, base64. */
  readonly signature: string;
}

interface Validity {
  readonly publicKey: string;
  readonly since?: string;
  readonly until?: string;
}

export interface KeyRing {
  readonly ids: readonly string[];
  /** True: it came from a ledger or was named, so a key that is not in it is a stranger. */
  readonly isComplete: boolean;
  /** `unknown`: not in the ring. `expired`: in it, but not at that time. */
  judge(keyId: string, publicKey: string, time: string): 'valid' | 'unknown' | 'expired';
}

export const NO_KEYS: KeyRing = { ids: [], isComplete: false, judge: () => 'unknown' };

/**
 * A ledger (JSON Lines), or public keys, PEM or base64, one a line.
 *
 * @throws {TypeError} if a line is no key, or not signed by a key that was valid then
 */
export function readKeyRing(text: string): KeyRing {
  const keys = text.trimStart().startsWith('{') ? keysOfLedger(readLedger(text)) : keysOfText(text);
  return {
    ids: [...keys.keys()],
    isComplete: true,
    judge(keyId, publicKey, time) {
      const known = keys.get(keyId);
      if (known === undefined || known.publicKey !== publicKey) return 'unknown';
      return isWithin(known, time) ? 'valid' : 'expired';
    },
  };
}

export function ringOfKey(key: SigningKey): KeyRing {
  return {
    ids: [key.id],
    isComplete: false,
    judge: (keyId, publicKey) => (keyId === key.id && publicKey === key.publicKey ? 'valid' : 'unknown'),
  };
}

export function readLedger(text: string): readonly LedgerEntry[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as LedgerEntry);
}

/** `signer`: the key itself for the first of a ledger, else one that is valid in it. */
export function ledgerEntry(entry: Pick<LedgerEntry, 'type' | 'keyId' | 'publicKey' | 'time'>, signer: SigningKey): LedgerEntry {
  const signed = { ...entry, by: signer.id };
  return { ...signed, signature: signer.sign(canonicalize(signed)) };
}

function keysOfLedger(entries: readonly LedgerEntry[]): ReadonlyMap<string, Validity> {
  const keys = new Map<string, Validity>();
  for (const [index, entry] of entries.entries()) {
    const { signature, ...signed } = entry;
    const isFirst = index === 0 && entry.type === 'added' && entry.by === entry.keyId;
    const signer = isFirst ? entry.publicKey : keys.get(entry.by)?.publicKey;
    const wasValid = isFirst || isWithin(keys.get(entry.by), entry.time);
    if (signer === undefined || !wasValid || !isSignedBy(signer, canonicalize(signed), signature))
      throw faulty(index, 'is not signed by a valid key of the ledger');
    if (entry.type === 'retired') keys.set(entry.keyId, { ...known(keys, entry, index), until: entry.time });
    else if (entry.publicKey === undefined || keyIdOf(entry.publicKey) !== entry.keyId || keys.has(entry.keyId))
      throw faulty(index, 'adds no new key');
    else keys.set(entry.keyId, { publicKey: entry.publicKey, since: entry.time });
  }
  return keys;
}

function known(keys: ReadonlyMap<string, Validity>, { keyId }: LedgerEntry, index: number): Validity {
  const key = keys.get(keyId);
  if (key === undefined) throw faulty(index, 'retires a key that was never added');
  return key;
}

function keysOfText(text: string): ReadonlyMap<string, Validity> {
  const parts = text.includes('-----BEGIN') ? text.split(/(?<=-----END PUBLIC KEY-----)/) : text.split('\n');
  const keys = new Map<string, Validity>();
  for (const [index, part] of parts
    .map((item) => item.trim())
    .filter((item) => item !== '')
    .entries()) {
    const publicKey = parsePublicKey(part);
    if (publicKey === undefined) throw faulty(index, 'is no Ed25519 public key');
    keys.set(keyIdOf(publicKey), { publicKey });
  }
  return keys;
}

function isWithin(validity: Validity | undefined, time: string): boolean {
  if (validity === undefined) return false;
  return (validity.since === undefined || time >= validity.since) && (validity.until === undefined || time < validity.until);
}

function faulty(index: number, why: string): TypeError {
  return new TypeError(`entry ${index + 1} ${why}`);
}
