/** The peer of the socket, canonical. Never taken from a header: those are set by the caller. */

import type { Socket } from 'node:net';
import ipaddr from 'ipaddr.js';

export interface Peer {
  readonly address?: string | undefined;
  readonly port?: number | undefined;
}

/** Read when the request starts: after a disconnect the socket no longer knows. */
export function peerOf(socket: Pick<Socket, 'remoteAddress' | 'remotePort'>): Peer {
  const forget = rememberPeerName(socket);
  const peer = { address: canonicalAddress(socket.remoteAddress), port: socket.remotePort };
  forget();
  return peer;
}

/**
 * A socket that was asked for its peer once still names it after a disconnect, when it otherwise says undefined: a service
 * could tell that we asked. Answers how to put back what the socket knew. The field is Node's own (20 to 26), so absent on
 * other streams.
 */
export function rememberPeerName(socket: object): () => void {
  const named = socket as { _peername?: unknown };
  const { _peername } = named;
  return () => {
    if (named._peername !== _peername) named._peername = _peername;
  };
}

/** IPv4-mapped addresses become IPv4, IPv6 its shortest form without a zone; anything else is undefined. */
export function canonicalAddress(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  if (PLAIN_IPV4.test(address)) return address;
  const mapped = MAPPED_IPV4.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [zoneless = ''] = address.split('%');
  return ipaddr.isValid(zoneless) ? ipaddr.process(zoneless).toString() : undefined;
}

// What a kernel prints for a peer: needs no parsing. Anything unusual goes the careful way.
const PLAIN_IPV4 = /^(?:\d{1,3}\.){3}\d{1,3}$/;
const MAPPED_IPV4 = /^::ffff:((?:\d{1,3}\.){3}\d{1,3})$/;

/** The raw forwarding header, for the record only. Set by the caller; unverified. */
export function forwardedHeader(headers: Readonly<Record<string, string | readonly string[] | undefined>>): string | undefined {
  const forwarded = headers['forwarded'] ?? headers['x-forwarded-for'];
  return typeof forwarded === 'string' ? forwarded : forwarded?.join(', ');
}
