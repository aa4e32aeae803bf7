/** A journal key that this process writes with and does not list: that of another process. */

import { createCipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import type { JournalKey } from '../../src/journal/keyring.js';

export function createHeldKeys(): { readonly text: string; readonly id: string; readonly key: JournalKey } {
  const secret = randomBytes(32);
  const id = createHmac('sha256', secret).update('otel-audit journal key id').digest('hex').slice(0, 16);
  let count = 0;
  const sealer = (stream: string) => (line: Uint8Array) => {
    const nonce = Buffer.alloc(12);
    count += 1;
    nonce.writeUInt32BE(count, 8);
    const cipher = createCipheriv('aes-256-gcm', Buffer.from(hkdfSync('sha256', secret, stream, 'otel-audit journal', 32)), nonce);
    const data = Buffer.concat([nonce, cipher.update(line), cipher.final(), cipher.getAuthTag()]).toString('base64');
    return `{"enc":"A256GCM","kid":"${id}","stream":"${stream}","data":"${data}"}`;
  };
  return { text: secret.toString('hex'), id, key: { id, sealer } };
}
