/** Finds the client's address behind proxies that the configuration trusts. Without any, it is the peer and nothing else. */

import { BlockList, isIPv6 } from 'node:net';
import { createRecent } from '../recent.js';
import type { Peer } from './client-address.js';
import { hopOf, hopsOf } from './forwarded.js';

/** How many proxies stand before the service, or the ranges they stand in (CIDR). */
export type ProxyTrust = { readonly hops: number } | { readonly ranges: readonly string[] };

export interface ClientSettings {
  /** Undefined: no proxy is trusted. */
  readonly trustProxy?: ProxyTrust | undefined;
  /** Lower case. The one header that the nearest proxy sets or appends to: any other is the client's own. */
  readonly clientHeader: string;
  /** Id of the Azure Front Door profile whose `X-Azure-SocketIP` is believed. */
  readonly frontDoorId?: string | undefined;
}

export interface ClientLocator {
  /** `peer` is set where the address is another one than the socket's. */
  locate(peer: Peer, headers: Headers): Peer & { readonly peer?: string | undefined };
  /** Whether this peer is a proxy whose headers are believed. */
  trusts(peer: Peer): boolean;
}

/** Every header that says where a client is, believed or not. */
export function clientHeaderNames({ clientHeader }: ClientSettings): readonly string[] {
  return [clientHeader, 'forwarded', 'x-forwarded-for', 'x-azure-fdid', 'x-azure-socketip'];
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

// Distinct proxies and clients whose trust is remembered: a look-up in a block list costs microseconds.
const REMEMBERED = 1000;

export function createClientLocator(settings: ClientSettings): ClientLocator {
  const { trustProxy, clientHeader, frontDoorId } = settings;
  const isTrusted = compileTrust(trustProxy);
  return {
    trusts: ({ address }) => address !== undefined && isTrusted(address, 0),
    locate(peer, headers) {
      const { address } = peer;
      if (address === undefined) return peer;
      if (frontDoorId !== undefined && headers['x-azure-fdid'] === frontDoorId && (trustProxy === undefined || isTrusted(address, 0))) {
        const client = hopOf(textOf(headers['x-azure-socketip']));
        if (client !== undefined) return { ...client, peer: address };
      }
      const header = headers[clientHeader];
      if (header === undefined || !isTrusted(address, 0)) return peer;
      const client = walk(peer, hopsOf(textOf(header), clientHeader), isTrusted);
      return client === peer ? peer : { ...client, peer: address };
    },
  };
}

type IsTrusted = (address: string, distance: number) => boolean;

/** From the right: each trusted proxy vouches for the one that called it, and nobody for what is beyond the first stranger. */
function walk(peer: Peer, hops: readonly (Peer | undefined)[], isTrusted: IsTrusted): Peer {
  let client = peer;
  for (const [index, hop] of hops.entries()) {
    if (hop === undefined || client.address === undefined || !isTrusted(client.address, index)) break;
    client = hop;
  }
  return client;
}

function compileTrust(trust: ProxyTrust | undefined): IsTrusted {
  if (trust === undefined) return () => false;
  if ('hops' in trust) return (_address, distance) => distance < trust.hops;
  const ranges = blockListOf(trust.ranges);
  const known = createRecent<boolean>(REMEMBERED);
  return (address) => {
    const remembered = known.get(address);
    if (remembered !== undefined) return remembered;
    const isTrusted = ranges.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
    known.set(address, isTrusted);
    return isTrusted;
  };
}

function blockListOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

function textOf(header: string | readonly string[] | undefined): string {
  return typeof header === 'string' ? header : (header?.join(', ') ?? '');
}
