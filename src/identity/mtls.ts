/** The subject of the client's TLS certificate. Verified only where the service's own TLS server checked its chain. */

import type { Socket } from 'node:net';
import type { PeerCertificate, TLSSocket } from 'node:tls';
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

/** A workload's URI (SPIFFE) before the common name: it is the one that is unique. Without either, the whole subject. */
function readCertificate(socket: TLSSocket): ClientCertificate | undefined {
  try {
    const { subject = {}, subjectaltname = '' } = socket.getPeerCertificate() as Partial<PeerCertificate>;
    const name = uriOf(subjectaltname) ?? textOf([subject.CN].flat()[0]) ?? textOf(distinguishedName(subject));
    return name === undefined ? undefined : { subject: name, authorized: socket.authorized };
  } catch {
    return undefined;
  }
}

// Node quotes a name that holds a comma or a quote: what reads like a URI inside of one is a part of it.
const NAME = /(?:^|, )([A-Za-z ]+):(?:"(?:[^"\\]|\\.)*"|([^",]*))/gy;

function uriOf(names: string): string | undefined {
  for (const [, kind, plain] of names.matchAll(NAME)) if (kind === 'URI') return textOf(plain);
  return undefined;
}

function distinguishedName(subject: object): string {
  return Object.entries(subject)
    .flatMap(([key, values]) => [values].flat().map((value) => `${key}=${value}`))
    .join(', ');
}
