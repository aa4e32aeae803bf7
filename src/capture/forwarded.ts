/** Reads the chain of addresses that proxies leave in a header. Every entry may be forged: who believes it is not decided here. */

import { isIP } from 'node:net';
import { canonicalAddress, type Peer } from './client-address.js';

// More proxies than any real chain has; an attacker's list of thousands is not worth reading.
const MAX_HOPS = 32;
const MAX_PORT = 65_535;

/**
 * The hops from the nearest to the farthest. A hop that is no address (`unknown`, an obfuscated name, garbage) is
 * undefined: what lies beyond it was told by nobody known.
 */
export function hopsOf(header: string, name: string): readonly (Peer | undefined)[] {
  const entries = header.split(',').slice(-MAX_HOPS).reverse();
  return entries.map((entry) => hopOf(name === 'forwarded' ? forOf(entry) : entry.trim()));
}

/** `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:443`, each IPv6 with a zone or without. */
export function hopOf(text: string): Peer | undefined {
  if (text.length > 64) return undefined;
  const [, bracketed, bare, port] = WITH_PORT.exec(text) ?? [];
  const [address = ''] = (bracketed ?? bare ?? text).split('%');
  // Strict before canonical: `999.1.1.1` and octal forms are no addresses here.
  if (isIP(address) === 0) return undefined;
  return { address: canonicalAddress(address), port: portOf(port) };
}

const WITH_PORT = /^(?:\[([^\]]+)\]|(\d+\.\d+\.\d+\.\d+))(?::(\d{1,5}))?$/;

function portOf(text: string | undefined): number | undefined {
  const port = Number(text);
  return text === undefined || port === 0 || port > MAX_PORT ? undefined : port;
}

/** The `for` of one element of RFC 7239: `for="[2001:db8::1]:443";proto=https`. */
function forOf(element: string): string {
  for (const pair of element.split(';')) {
    const [name = '', ...value] = pair.split('=');
    if (name.trim().toLowerCase() === 'for')
      return value
        .join('=')
        .trim()
        .replace(/^"(.*)"$/, '$1');
  }
  return '';
}
