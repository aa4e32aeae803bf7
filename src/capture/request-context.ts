/** What ties a request to others: its session, its caller's trace, and the correlation headers that are kept. */

import { createHmac } from 'node:crypto';
import type { AuditTrace } from '../record.js';

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Kept of every request, redacted; a rule and `AUDIT_CORRELATION_HEADERS` may add to them. In the order of the journal's lines. */
export const KEPT_HEADERS: readonly string[] = [
  'accept',
  'content-encoding',
  'content-length',
  'content-type',
  'origin',
  'referer',
  'traceparent',
];

/** Without a key there is no session id: a plain hash of a session cookie can be tried out, and the cookie is the session. */
export function createSessionId(cookies: readonly string[], key: string | undefined): (headers: Headers) => string | undefined {
  if (key === undefined || cookies.length === 0) return () => undefined;
  return (headers) => {
    const value = typeof headers['cookie'] === 'string' ? cookieOf(headers['cookie'], cookies) : undefined;
    // 128 bits: enough to tell sessions apart, and no more of the cookie's entropy than that.
    return value && createHmac('sha256', key).update(`session:${value}`).digest('hex').slice(0, 32);
  };
}

function cookieOf(header: string, names: readonly string[]): string | undefined {
  for (const pair of header.split(';')) {
    const mark = pair.indexOf('=');
    if (mark !== -1 && names.includes(pair.slice(0, mark).trim())) return pair.slice(mark + 1).trim() || undefined;
  }
  return undefined;
}

// https://www.w3.org/TR/trace-context/#traceparent-header: version ff and ids of zeros are invalid; a later version may be longer.
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/;

/** The caller's trace and span, where the process has no span of its own. Set by the caller; unverified. */
export function traceOf(traceparent: string | readonly string[] | undefined): AuditTrace | undefined {
  const [, version, traceId, spanId, more] = (typeof traceparent === 'string' && TRACEPARENT.exec(traceparent.trim())) || [];
  if (traceId === undefined || (version === '00' && more !== undefined)) return undefined;
  return { traceId, spanId };
}
