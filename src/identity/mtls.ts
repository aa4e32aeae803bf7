/** The subject of the client's TLS certificate. Verified only where the service's own TLS server checked its chain. */

import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { textOf } from './claims.js';
import type { ClientCertificate, Identity, IdentityRequest } from './identity.js';

export function mtlsIdentity({ certificate }: IdentityRequest): Identity | undefined {
  if (certificate === undefined) return undefined;
  return { actor: { id: certificate.subject, type: 'service', source: 'mtls', verified: certificate.authorized } };
}

const known = new WeakMap<object, ClientCertificate | typeof NONE>();
const NONE: unique symbol = Symbol('no certificate');

/** Asked when the request starts: after a disconnect the socket no longer knows. Once a connection: parsing costs. */
export function certificateOf(socket: Socket): ClientCertificate | undefined {
  if (!('encrypted' in socket)) return undefined;
  let certificate = known.get(socket);
  if (certificate === undefined) {
    certificate = readCertificate(socket as TLSSocket) ?? NONE;
    known.set(socket, certificate);
  }
  return certificate === NONE ? undefined : certificate;
}

/** A workload's URI (SPIFFE) before the common name: it is the one that is unique. */
function readCertificate(socket: TLSSocket): ClientCertificate | undefined {
  try {
    const certificate = socket.getPeerCertificate();
    const uri = /(?:^|, )URI:([^,"]+)/.exec(certificate?.subjectaltname ?? '')?.[1];
    const name = certificate?.subject?.CN;
    const subject = uri ?? textOf(Array.isArray(name) ? name[0] : name);
    return subject === undefined ? undefined : { subject, authorized: socket.authorized };
  } catch {
    return undefined;
  }
}
