/** Reads a `Content-Type` header, leniently: what clients send is seldom checked by anyone before. */

export interface ContentType {
  /** `application/json`, lower case; empty when there was none. */
  readonly essence: string;
  readonly charset: string | undefined;
  readonly boundary: string | undefined;
}

export function parseContentType(header: string | undefined): ContentType {
  if (header === undefined) return NONE;
  const known = KNOWN.get(header);
  if (known !== undefined) return known;
  const semicolon = header.indexOf(';');
  const essence = (semicolon === -1 ? header : header.slice(0, semicolon)).trim().toLowerCase();
  return { essence, charset: parameter(header, 'charset')?.toLowerCase(), boundary: parameter(header, 'boundary') };
}

const NONE: ContentType = { essence: '', charset: undefined, boundary: undefined };

/** The value of a parameter, without its quotes. */
export function parameter(header: string, name: string): string | undefined {
  const match = new RegExp(`;\\s*${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\s]*))`, 'i').exec(header);
  if (match === null) return undefined;
  return match[1] === undefined ? match[2] : match[1].replace(/\\(.)/g, '$1');
}

export type Family = 'json' | 'form' | 'multipart' | 'xml' | 'graphql' | 'csv' | 'text' | 'binary' | 'unknown';

export function familyOf(essence: string): Family {
  const listed = FAMILIES.get(essence);
  if (listed !== undefined) return listed;
  if (essence.endsWith('+json') || essence.endsWith('/json')) return 'json';
  if (essence.endsWith('+xml') || essence.endsWith('/xml')) return 'xml';
  if (essence.startsWith('multipart/')) return 'multipart';
  if (essence.startsWith('text/')) return 'text';
  return BINARY.test(essence) ? 'binary' : 'unknown';
}

const BINARY =
  /^(?:image|audio|video|font|model)\/|(?:zip|gzip|tar|rar|7z|compressed|protobuf|grpc|msgpack|cbor|avro|parquet|pdf|wasm|msword|officedocument|vnd\.ms-|flatbuffers|thrift|bson)/;

const FAMILIES: ReadonlyMap<string, Family> = new Map<string, Family>([
  ['application/json', 'json'],
  ['application/x-ndjson', 'json'],
  ['application/ndjson', 'json'],
  ['application/jsonl', 'json'],
  ['application/json-seq', 'json'],
  ['application/x-www-form-urlencoded', 'form'],
  ['application/xml', 'xml'],
  ['text/html', 'xml'],
  ['application/graphql', 'graphql'],
  ['text/csv', 'csv'],
  ['text/tab-separated-values', 'csv'],
  ['application/csv', 'csv'],
  ['image/svg+xml', 'xml'],
]);

const KNOWN: ReadonlyMap<string, ContentType> = new Map([
  ['application/json', { essence: 'application/json', charset: undefined, boundary: undefined }],
  ['application/json; charset=utf-8', { essence: 'application/json', charset: 'utf-8', boundary: undefined }],
]);
