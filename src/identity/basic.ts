/** The user name of HTTP basic authentication (RFC 7617). Never the password; set by the caller, never verified. */

import { textOf } from './claims.js';
import type { Identity, IdentityRequest } from './identity.js';

const BASIC = /^basic +([A-Za-z0-9+/=_-]{1,4096}) *$/i;

export function basicIdentity({ headers }: IdentityRequest): Identity | undefined {
  const credentials = BASIC.exec(textOf(headers['authorization']) ?? '')?.[1];
  if (credentials === undefined) return undefined;
  const decoded = Buffer.from(credentials, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  // Without a colon all of it may be a secret, as with keys sent in the wrong scheme.
  const id = colon === -1 ? undefined : textOf(decoded.slice(0, colon));
  return id === undefined ? undefined : { actor: { id, type: 'user', source: 'basic', verified: false } };
}
