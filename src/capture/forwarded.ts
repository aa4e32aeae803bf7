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
  if (name === 'forwarded') return elementsOf(header).map((element) => hopOf(forOf(element)));
  const entries = header.split(',').slice(-MAX_HOPS).reverse();
  return entries.map((entry) => hopOf(entry.trim()));
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

/**
 * The elements of RFC 7239 from the right. Read from that end, because the nearest proxy's element is whole: a quote that the
 * client left open before it must not swallow it, nor a comma that stands in a quoted host name part it.
 */
function elementsOf(header: string): readonly string[] {
  const elements: string[] = [];
  let isQuoted = false;
  let end = header.length;
  for (let at = header.length - 1; at >= -1 && elements.length < MAX_HOPS; at -= 1) {
    if (header[at] === '"' && !isEscaped(header, at)) isQuoted = !isQuoted;
    if (at !== -1 && (header[at] !== ',' || isQuoted)) continue;
    elements.push(header.slice(at + 1, end));
    end = at;
  }
  return elements;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}

const PAIR = /\s*([^\s"=;,]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s";,]*))\s*(?:;|$)/gy;

/** The one `for` of an element: `for="[2001:db8::1]:443";proto=https`. Empty where there are several, or what no proxy writes. */
function forOf(element: string): string {
  const pairs = [...element.matchAll(PAIR)];
  const isWhole = pairs.reduce((length, [pair]) => length + pair.length, 0) === element.length;
  const [first, ...more] = pairs.filter(([, name]) => name?.toLowerCase() === 'for');
  return isWhole && more.length === 0 ? (first?.[2] ?? first?.[3] ?? '') : '';
}
