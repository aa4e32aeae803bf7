/** Writes a small MaxMind-format database: a binary tree of prefixes with a record each. */

import { isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';

type Value = string | number | readonly Value[] | { readonly [key: string]: Value };
type Node = [Node | number | undefined, Node | number | undefined];

const RECORD_BITS = 32;
const METADATA_MARKER = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');

/** By CIDR range, IPv4 and IPv6. */
export function makeDatabase(entries: Readonly<Record<string, Value>>): Buffer {
  const root: Node = [undefined, undefined];
  const data: Buffer[] = [];
  let dataSize = 0;
  for (const [range, value] of Object.entries(entries)) {
    const bytes = encode(value);
    insert(root, bitsOf(range), dataSize);
    data.push(bytes);
    dataSize += bytes.length;
  }
  const nodes = list(root);
  const tree = Buffer.alloc(nodes.length * 8);
  for (const [index, node] of nodes.entries()) {
    for (const side of [0, 1] as const) tree.writeUInt32BE(pointer(node[side], nodes), index * 8 + side * 4);
  }
  const metadata = encode({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1,
    database_type: 'Test',
    description: { en: 'test' },
    ip_version: 6,
    languages: ['en'],
    node_count: nodes.length,
    record_size: RECORD_BITS,
  });
  return Buffer.concat([tree, Buffer.alloc(16), ...data, METADATA_MARKER, metadata]);
}

function insert(root: Node, bits: string, offset: number): void {
  let node = root;
  for (const [index, bit] of [...bits].entries()) {
    const side = bit === '1' ? 1 : 0;
    if (index === bits.length - 1) {
      node[side] = offset;
      return;
    }
    const below = node[side];
    const next: Node = Array.isArray(below) ? below : [undefined, undefined];
    node[side] = next;
    node = next;
  }
}

/** IPv4 lies in `::/96` of the tree. */
function bitsOf(range: string): string {
  const [address = '', length] = range.split('/');
  const bytes = ipaddr.parse(address).toByteArray();
  const bits = bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (isIPv4(address) ? '0'.repeat(96) : '') + bits.slice(0, Number(length));
}

function list(root: Node): readonly Node[] {
  const nodes: Node[] = [root];
  for (const node of nodes) for (const below of node) if (Array.isArray(below)) nodes.push(below);
  return nodes;
}

function pointer(target: Node | number | undefined, nodes: readonly Node[]): number {
  if (target === undefined) return nodes.length;
  return Array.isArray(target) ? nodes.indexOf(target) : nodes.length + 16 + target;
}

const TYPES = { string: 2, uint32: 6, map: 7, array: 11 } as const;

function encode(value: Value): Buffer {
  if (typeof value === 'string') return Buffer.concat([control(TYPES.string, Buffer.byteLength(value)), Buffer.from(value)]);
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return Buffer.concat([control(TYPES.uint32, 4), bytes]);
  }
  if (Array.isArray(value)) return Buffer.concat([control(TYPES.array, value.length), ...value.map((item) => encode(item as Value))]);
  const members = Object.entries(value as Readonly<Record<string, Value>>);
  return Buffer.concat([control(TYPES.map, members.length), ...members.flatMap(([key, member]) => [encode(key), encode(member)])]);
}

/** Types above 7 take a second byte; sizes here stay below 285. */
function control(type: number, size: number): Buffer {
  const short = Math.min(size, 29);
  const head = type > 7 ? [short, type - 7] : [(type << 5) | short];
  return Buffer.from(size >= 29 ? [...head, size - 29] : head);
}
