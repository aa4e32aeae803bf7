/**
 * The keys of encrypted journals in this process: AES-256-GCM, a line at a time. The hash chain covers what is inside, so that it
 * verifies in every sink. Must never show a key, or what a line holds, in a message.
 */

import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomUUID } from 'node:crypto';

// 32 bytes: AES-256.
const KEY_BYTES = 32;
// 96 bits, counted: a nonce that comes twice would give a line away, and of random ones that is a matter of time.
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** How a sealed line begins, and no other. */
export const SEALED_PREFIX = '{"enc":"A256GCM"';

export interface JournalKey {
  /** Says which key it is, and nothing about it. */
  readonly id: string;
  /** Makes the sealed line of a plain one, for one stream; call it once a stream and process. */
  sealer(stream: string): (line: Uint8Array) => string;
}

const keys = new Map<string, Buffer>();
let writingId: string | undefined;

/** Adds to the keys that this thread reads with. Answers the first, which is the one to write with. */
export function useJournalKeys(texts: readonly string[]): JournalKey | undefined {
  const ids = texts.map((text) => {
    const key = parseJournalKey(text);
    if (key === undefined) throw new TypeError('a journal key is not of 32 bytes');
    const id = createHmac('sha256', key).update('otel-audit journal key id').digest('hex').slice(0, 16);
    keys.set(id, key);
    return id;
  });
  const [id] = ids;
  writingId = id ?? writingId;
  return id === undefined ? undefined : { id, sealer: (stream) => sealerOf(id, stream) };
}

/** 32 bytes as 64 hex digits or in base64; undefined if it is neither. */
export function parseJournalKey(text: string): Buffer | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  const key = /^[A-Za-z0-9+/_-]{43}=?$/.test(text) ? Buffer.from(text, 'base64') : undefined;
  return key?.length === KEY_BYTES ? key : undefined;
}

/** The line as it is written beside a journal: sealed with the key to write with, under a name that never comes twice, or as it is without one. */
export function sealLine(line: string): string {
  return writingId === undefined ? line : sealerOf(writingId, randomUUID())(Buffer.from(line, 'utf8'));
}

export function hasJournalKey(id: string): boolean {
  return keys.has(id);
}

export function isSealed(line: string): boolean {
  return line.startsWith(SEALED_PREFIX);
}

export type Opened = { readonly line: string } | { readonly fault: 'no-key' | 'not-openable'; readonly keyId: string };

/** What is in a sealed line. */
export function openLine(sealed: string): Opened {
  const { kid, stream, data } = partsOf(sealed);
  if (!keys.has(kid)) return { fault: 'no-key', keyId: kid };
  const bytes = Buffer.from(data, 'base64');
  try {
    const decipher = createDecipheriv('aes-256-gcm', streamKey(kid, stream), bytes.subarray(0, NONCE_BYTES));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const line = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    return { line: line.toString('utf8') };
  } catch {
    return { fault: 'not-openable', keyId: kid };
  }
}

function sealerOf(id: string, stream: string): (line: Uint8Array) => string {
  const key = streamKey(id, stream);
  const head = `${SEALED_PREFIX},"kid":"${id}","stream":"${stream}","data":"`;
  let count = 0n;
  return (line) => {
    const nonce = Buffer.alloc(NONCE_BYTES);
    count += 1n;
    nonce.writeBigUInt64BE(count, NONCE_BYTES - 8);
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    const sealed = Buffer.concat([nonce, cipher.update(line), cipher.final(), cipher.getAuthTag()]);
    return `${head}${sealed.toString('base64')}"}`;
  };
}

/** A key of its own for each stream, so that counting nonces from 1 is sound. Also: a line moved to another stream does not open. */
function streamKey(id: string, stream: string): Buffer {
  const key = keys.get(id) ?? Buffer.alloc(0);
  return Buffer.from(hkdfSync('sha256', key, stream, 'otel-audit journal', KEY_BYTES));
}

function partsOf(sealed: string): { readonly kid: string; readonly stream: string; readonly data: string } {
  const match = /^\{"enc":"A256GCM","kid":"([0-9a-f]+)","stream":"([^"]+)","data":"([A-Za-z0-9+/=]+)"\}$/.exec(sealed);
  return { kid: match?.[1] ?? '', stream: match?.[2] ?? '', data: match?.[3] ?? '' };
}
