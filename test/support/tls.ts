/** A certificate for this machine, and trust in it. */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './service.js';

export const CERTIFICATE_FILE = path.join(ROOT, 'test/fixtures/tls/cert.pem');

export const TLS = {
  cert: readFileSync(CERTIFICATE_FILE),
  key: readFileSync(path.join(ROOT, 'test/fixtures/tls/key.pem')),
};

/** For this process: Node takes other authorities at its start only. A child is given `NODE_EXTRA_CA_CERTS` instead. */
export function trustAnyCertificate(): void {
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
}
