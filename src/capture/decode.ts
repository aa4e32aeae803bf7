/** Decodes the captured beginning of a compressed body. Bounded in output whatever the input: a bomb costs what an honest body costs. */

import zlib from 'node:zlib';

export type Decoded =
  | { readonly bytes: Uint8Array /** Not all of the input was decoded. */; readonly isCut: boolean }
  /**
   * `encoding`: not one we know, not what it says, or nothing of it can be decoded before more comes. `bomb`: even its first
   * bytes decode to more than may be kept.
   */
  | { readonly omitted: 'encoding' | 'bomb' };

type Decode = (bytes: Uint8Array, maxOutputLength: number) => Buffer;

/** More would be no content negotiation but an attempt. */
const MAX_ENCODINGS = 3;
/** Below this much input, what decodes to more than the bound is a bomb and not text. */
const MIN_INPUT_BYTES = 32;

/** `contentEncoding` is the header: the encodings in the order in which they were applied. At most `maxBytes` come back. */
export function decodePrefix(bytes: Uint8Array, contentEncoding: string, maxBytes: number): Decoded {
  const encodings = contentEncoding
    .toLowerCase()
    .split(',')
    .map((encoding) => encoding.trim())
    .filter((encoding) => encoding !== '' && encoding !== 'identity');
  if (encodings.length > MAX_ENCODINGS) return { omitted: 'encoding' };
  let decoded: Decoded = { bytes, isCut: false };
  for (const encoding of encodings.reverse()) {
    const decode = DECODERS[encoding];
    if (decode === undefined) return { omitted: 'encoding' };
    const next = decodeAtMost(decode, decoded.bytes, maxBytes);
    if ('omitted' in next) return next;
    decoded = { bytes: next.bytes, isCut: decoded.isCut || next.isCut };
  }
  return decoded;
}

/** zlib gives no partial output, so half as much input is tried until the output fits: a dozen tries at the most. */
function decodeAtMost(decode: Decode, bytes: Uint8Array, maxBytes: number): Decoded {
  for (let length = bytes.byteLength; length >= Math.min(MIN_INPUT_BYTES, bytes.byteLength); length = Math.floor(length / 2)) {
    try {
      const output = decode(bytes.subarray(0, length), 2 * maxBytes);
      return { bytes: output.subarray(0, maxBytes), isCut: length < bytes.byteLength || output.byteLength > maxBytes };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') return { omitted: 'encoding' };
    }
  }
  return { omitted: 'bomb' };
}

const { constants } = zlib;
// The flush modes make zlib give what it has when the input stops short.
const inflate = { finishFlush: constants.Z_SYNC_FLUSH };
const gunzip: Decode = (bytes, maxOutputLength) => zlib.gunzipSync(bytes, { ...inflate, maxOutputLength });

const DECODERS: Readonly<Record<string, Decode | undefined>> = Object.assign(Object.create(null), {
  gzip: gunzip,
  'x-gzip': gunzip,
  // Called deflate, sent with and without the zlib header: the first nibble tells.
  deflate: (bytes, maxOutputLength) =>
    (bytes[0] ?? 0) % 16 === 8
      ? zlib.inflateSync(bytes, { ...inflate, maxOutputLength })
      : zlib.inflateRawSync(bytes, { ...inflate, maxOutputLength }),
  br: (bytes, maxOutputLength) => zlib.brotliDecompressSync(bytes, { finishFlush: constants.BROTLI_OPERATION_FLUSH, maxOutputLength }),
  zstd: zstdDecoder(),
} satisfies Record<string, Decode | undefined>);

// RFC 9659: no more is allowed in HTTP. A frame may ask for 128 MB before it gives a byte.
const ZSTD_WINDOW_LOG = 23;

/** Node has it from 22.15 on. It gives whole blocks only, of up to 128 KB each: of a large body that is cut there may be none. */
function zstdDecoder(): Decode | undefined {
  const { zstdDecompressSync } = zlib as unknown as { zstdDecompressSync?: (bytes: Uint8Array, options: object) => Buffer };
  const { ZSTD_e_flush: finishFlush, ZSTD_d_windowLogMax: windowLogMax } = constants as unknown as Record<string, number | undefined>;
  if (zstdDecompressSync === undefined || windowLogMax === undefined) return undefined;
  return (bytes, maxOutputLength) => {
    const output = zstdDecompressSync(bytes, { finishFlush, maxOutputLength, params: { [windowLogMax]: ZSTD_WINDOW_LOG } });
    if (output.byteLength === 0 && bytes.byteLength > MIN_INPUT_BYTES) throw new Error('no block is whole');
    return output;
  };
}
