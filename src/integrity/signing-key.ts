/** Ed25519 keys: the private one that signs checkpoints, the public ones that verify them, and the id that names both. */

import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { sha256 } from '../journal/chain.js';

export interface SigningKey {
  readonly id: string;
  /** The 32 bytes of the public key, base64. */
  readonly publicKey: string;
  /** Base64 of the 64 bytes of the signature. */
  sign(text: string): string;
}

/**
 * PKCS #8 PEM, or the 32 bytes of the seed in hex or base64. Undefined if it is none of these.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8410
 */
export function parseSigningKey(text: string): SigningKey | undefined {
  const key = privateKeyOf(text.trim());
  if (key?.asymmetricKeyType !== 'ed25519') return undefined;
  const publicKey = rawPublicKey(createPublicKey(key));
  return { id: keyIdOf(publicKey), publicKey, sign: (signed) => sign(null, Buffer.from(signed), key).toString('base64') };
}

/** SubjectPublicKeyInfo PEM, or the 32 bytes in base64 or hex, as base64. Undefined if it is none of these. */
export function parsePublicKey(text: string): string | undefined {
  const given = text.trim();
  const bytes = rawBytes(given);
  if (bytes !== undefined) return bytes.toString('base64');
  try {
    const key = createPublicKey(given);
    return key.asymmetricKeyType === 'ed25519' ? rawPublicKey(key) : undefined;
  } catch {
    return undefined;
  }
}

/** The first 32 hex digits of SHA-256 over the 32 bytes of the public key. */
export function keyIdOf(publicKey: string): string {
  return sha256(Buffer.from(publicKey, 'base64')).slice(0, 32);
}

export function isSignedBy(publicKey: string, text: string, signature: string): boolean {
  try {
    const key = createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey, 'base64').toString('base64url') },
      format: 'jwk',
    });
    return verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
}

// RFC 8410: what stands before the seed in the PKCS #8 form.
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

function privateKeyOf(text: string): KeyObject | undefined {
  const seed = rawBytes(text);
  try {
    if (seed === undefined) return createPrivateKey(text);
    return createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' });
  } catch {
    return undefined;
  }
}

function rawBytes(text: string): Buffer | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  return /^[A-Za-z0-9+/_-]{43}=?$/.test(text) ? Buffer.from(text, 'base64') : undefined;
}

function rawPublicKey(key: KeyObject): string {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64');
}
