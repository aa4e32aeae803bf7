/** The request id: a sane one of the client's or our own, echoed without disturbing a header of the service. */

import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Redactor } from '../redaction/redactor.js';

const SANE = /^[A-Za-z0-9._:-]{1,128}$/;

// Most ids are UUIDs, which hold no secret: not worth a closer look.
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** The client's value if it is sane and no secret, else `fallback`. No client value ever prevents a record. */
export function requestIdOf(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  name: string,
  fallback: string,
  redactor: Redactor,
): string {
  const claimed = headers[name];
  if (typeof claimed !== 'string' || !SANE.test(claimed)) return fallback;
  // Masked it would join nothing, and the service would be answered another id than the one recorded.
  return UUID.test(claimed) || redactor.text(claimed) === claimed ? claimed : fallback;
}

/**
 * The arguments for `writeHead` with one more header. `setHeader` beforehand would move Node to another code path, which
 * drops duplicate headers given as an array; so the headers actually used are extended, in the form they came in.
 * Answers `args` itself when there is nothing to add: the service has set its own, a 1xx, or arguments Node will refuse.
 */
export function withRequestId(response: ServerResponse, args: readonly unknown[], name: string, id: string): readonly unknown[] {
  const [status, second, third] = args;
  if (typeof status !== 'number' || status < 200 || response.headersSent || response.hasHeader(name)) return args;
  const hasReason = typeof second === 'string';
  const headers = hasReason ? third : (third ?? second);
  const extended = extendHeaders(headers, name, id);
  if (extended === undefined) return args;
  return hasReason ? [status, second, extended] : [status, extended];
}

function extendHeaders(headers: unknown, name: string, id: string): OutgoingHttpHeaders | unknown[] | undefined {
  if (headers === undefined || headers === null) return { [name]: id };
  if (Array.isArray(headers)) return extendList(headers, name, id);
  if (typeof headers !== 'object') return undefined;
  for (const key of Object.keys(headers)) if (key.toLowerCase() === name) return undefined;
  return { ...headers, [name]: id };
}

/** Either `[name, value, name, value]` or `[[name, value], …]`. */
function extendList(headers: readonly unknown[], name: string, id: string): unknown[] | undefined {
  const nested = Array.isArray(headers[0]);
  if (!nested && headers.length % 2 !== 0) return undefined;
  const names = nested ? headers.map((pair) => (pair as readonly unknown[])[0]) : headers.filter((_, index) => index % 2 === 0);
  if (names.some((key) => String(key).toLowerCase() === name)) return undefined;
  return nested ? [...headers, [name, id]] : [...headers, name, id];
}
