import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import zlib from 'node:zlib';
import { decodePrefix } from '../../../src/capture/decode.js';

const TEXT = JSON.stringify({ items: Array.from({ length: 500 }, (_, index) => ({ index, name: `item ${index * 7919}` })) });
type Compress = (text: string | Buffer, options?: object) => Buffer;
const { zstdCompressSync } = zlib as unknown as { zstdCompressSync?: Compress };

const ENCODED: readonly [encoding: string, bytes: Buffer][] = [
  ['gzip', zlib.gzipSync(TEXT)],
  ['x-gzip', zlib.gzipSync(TEXT)],
  ['deflate', zlib.deflateSync(TEXT)],
  ['deflate', zlib.deflateRawSync(TEXT)],
  ['br', zlib.brotliCompressSync(TEXT)],
  ['deflate, gzip', zlib.gzipSync(zlib.deflateSync(TEXT))],
  ['identity', Buffer.from(TEXT)],
  ...(zstdCompressSync ? [['zstd', zstdCompressSync(TEXT)] as [string, Buffer]] : []),
];

function textOf(bytes: Uint8Array, encoding: string, maxBytes: number): string {
  const decoded = decodePrefix(bytes, encoding, maxBytes);
  assert.ok('bytes' in decoded, JSON.stringify(decoded));
  return Buffer.from(decoded.bytes).toString();
}

describe('decoding a captured body', () => {
  for (const [encoding, bytes] of ENCODED) {
    it(`gives all of a whole ${encoding} body`, () => {
      const decoded = decodePrefix(bytes, encoding, 1_000_000);
      assert.deepEqual(decoded, { bytes: Buffer.from(TEXT), isCut: false });
    });

    // Nothing of a zstd block is given before its end: below.
    if (encoding === 'zstd') continue;
    it(`gives the beginning of a cut ${encoding} body`, () => {
      const beginning = textOf(bytes.subarray(0, bytes.length / 2), encoding, 1_000_000);
      assert.ok(beginning.length > 100 && TEXT.startsWith(beginning));
    });
  }

  if (zstdCompressSync !== undefined) describeZstd(zstdCompressSync);

  it('keeps the beginning of what decodes to more than may be kept', () => {
    const decoded = decodePrefix(zlib.gzipSync(TEXT), 'gzip', 1000);
    assert.ok(
      'bytes' in decoded && decoded.isCut && decoded.bytes.length <= 1000 && TEXT.startsWith(Buffer.from(decoded.bytes).toString()),
    );
  });

  it('is not passed by a decompression bomb', () => {
    const bombs: [string, Buffer][] = [
      ['gzip', zlib.gzipSync(Buffer.alloc(50_000_000))],
      ['br', zlib.brotliCompressSync(Buffer.alloc(50_000_000))],
    ];
    for (const [encoding, bomb] of bombs) {
      const decoded = decodePrefix(bomb.subarray(0, 10_000), encoding, 10_000);
      assert.ok('omitted' in decoded ? decoded.omitted === 'bomb' : decoded.isCut && decoded.bytes.length <= 10_000, encoding);
    }
  });

  it('says what it cannot decode', () => {
    for (const encoding of ['aes128gcm', 'toString', '__proto__', 'gzip, gzip, gzip, gzip']) {
      assert.deepEqual(decodePrefix(Buffer.from('x'), encoding, 100), { omitted: 'encoding' }, encoding);
    }
    assert.deepEqual(decodePrefix(Buffer.from('not gzip at all'), 'gzip', 100), { omitted: 'encoding' });
  });
});

function describeZstd(compress: Compress): void {
  it('gives the whole blocks of a cut zstd body, and says so where there are none', () => {
    const text = Array.from({ length: 40_000 }, (_, index) => Math.sin(index)).join();
    const bytes = compress(text);
    const beginning = textOf(bytes.subarray(0, bytes.length / 2), 'zstd', 1_000_000);
    assert.ok(beginning.length > 100_000 && text.startsWith(beginning));
    assert.deepEqual(decodePrefix(bytes.subarray(0, 10_000), 'zstd', 10_000), { omitted: 'encoding' });
    assert.deepEqual(decodePrefix(compress(''), 'zstd', 100), { bytes: Buffer.alloc(0), isCut: false });
  });

  it('is not passed by a zstd bomb, nor by a frame that asks for more memory than HTTP allows', () => {
    const bomb = decodePrefix(compress(Buffer.alloc(50_000_000)).subarray(0, 10_000), 'zstd', 10_000);
    assert.ok('omitted' in bomb || bomb.bytes.length <= 10_000);
    const { ZSTD_c_windowLog: windowLog = 0 } = zlib.constants as unknown as Record<string, number | undefined>;
    const greedy = compress(TEXT.repeat(1000), { params: { [windowLog]: 27 } });
    assert.deepEqual(decodePrefix(greedy.subarray(0, 100_000), 'zstd', 1_000_000), { omitted: 'encoding' });
  });
}
