/** One value, encrypted: `enc:v1:<key id>:<base64 of nonce, AES-256-GCM ciphertext and tag>`. */

import { createCipheriv, createDecipheriv, hash } from 'node:crypto';
import type { SubjectKey } from './subject-keys.js';

const SEALED = /^enc:v1:([0-9a-f.]{1,64}):([A-Za-z0-9+/]+={0,2})$/;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * `member` must be said again to open it. The nonce is made of all that goes in, under a secret: the same record comes out the
 * same however often it is made, and processes that share a key need not agree on a counter.
 */
export function sealText(text: string, key: SubjectKey, recordId: string, member: string): string {
  const nonce = hash('sha256', `${key.nonceSecret}\0${recordId}\0${member}\0${text}`, 'buffer').subarray(0, NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key.secret, nonce).setAAD(Buffer.from(member));
  const parts = [nonce, cipher.update(text, 'utf8'), cipher.final()];
  return `enc:v1:${key.id}:${Buffer.concat([...parts, cipher.getAuthTag()]).toString('base64')}`;
}

/** Id of the key that it needs; undefined for what is not sealed. */
export function sealingKeyOf(text: string): string | undefined {
  return SEALED.exec(text)?.[1];
}

/** Undefined if the key or the member is another one, or the text was altered. */
export function openText(sealed: string, key: SubjectKey, member: string): string | undefined {
  const bytes = Buffer.from(SEALED.exec(sealed)?.[2] ?? '', 'base64');
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  try {
    const decipher = createDecipheriv('aes-256-gcm', key.secret, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(member)).setAuthTag(bytes.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}
