/** Tokens and keys for tests: signed rightly, wrongly, or not at all. */

import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export interface KeyPair {
  readonly kid: string;
  readonly privateKey: KeyObject;
  /** SPKI. */
  readonly pem: string;
  readonly jwk: Readonly<Record<string, unknown>>;
}

export function makeKey(kid: string): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    kid,
    privateKey,
    pem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' },
  };
}

export function rs256({ kid, privateKey }: KeyPair, claims: object | string, header: object = {}): string {
  const text = part({ alg: 'RS256', kid, ...header }) + part(claims);
  return `${text.slice(0, -1)}.${sign('sha256', Buffer.from(text.slice(0, -1)), privateKey).toString('base64url')}`;
}

export function hs256(secret: string, claims: object | string, header: object = { alg: 'HS256' }): string {
  const text = (part(header) + part(claims)).slice(0, -1);
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

/** `alg: none`, as forgers try it. */
export function unsigned(claims: object | string, signature = '', alg = 'none'): string {
  return `${part({ alg })}${part(claims)}${signature}`;
}

export function secondsFromNow(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

function part(value: object | string): string {
  return `${Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')}.`;
}
