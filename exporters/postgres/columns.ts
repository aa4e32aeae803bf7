/** The columns of `audit_logs`: the one table from which rows are written and records rebuilt. */

import { isIP, isIPv4 } from 'node:net';
import { IPv6 } from 'ipaddr.js';
import { parseTimestamp } from './timestamp.js';

export type ColumnType =
  | 'text'
  | 'uuid'
  | 'integer'
  | 'bigint'
  | 'double precision'
  | 'boolean'
  | 'timestamptz'
  | 'inet'
  | 'json'
  | 'jsonb';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** Where the value stands in the record: `['request', 'bodySize']`. */
  readonly member: readonly [string, string?];
}

/** Every column but `actor` and `rest`, which hold what these do not. */
export const COLUMNS: readonly Column[] = [
  column('id', 'uuid', 'id'),
  column('schema_version', 'integer', 'schemaVersion'),
  column('kind', 'text', 'kind'),
  column('phase', 'text', 'phase'),
  column('refers_to', 'uuid', 'refersTo'),
  column('occurred_at', 'timestamptz', 'time'),
  column('observed_at', 'timestamptz', 'observedTime'),
  column('action', 'text', 'action'),
  column('outcome', 'text', 'outcome'),
  column('actor_id', 'text', 'actor', 'id'),
  column('actor_type', 'text', 'actor', 'type'),
  column('actor_email', 'text', 'actor', 'email'),
  column('actor_verified', 'boolean', 'actor', 'verified'),
  column('tenant_id', 'text', 'tenant', 'id'),
  column('tenant_slug', 'text', 'tenant', 'slug'),
  column('target_type', 'text', 'target', 'type'),
  column('target_id', 'text', 'target', 'id'),
  column('request_id', 'text', 'request', 'id'),
  column('method', 'text', 'request', 'method'),
  column('path', 'text', 'request', 'path'),
  column('route', 'text', 'request', 'route'),
  column('query', 'text', 'request', 'query'),
  column('request_headers', 'jsonb', 'request', 'headers'),
  column('request_content_type', 'text', 'request', 'contentType'),
  column('request_body', 'json', 'request', 'body'),
  column('request_body_format', 'text', 'request', 'bodyFormat'),
  column('request_body_size', 'bigint', 'request', 'bodySize'),
  column('request_body_truncated', 'boolean', 'request', 'bodyTruncated'),
  column('request_body_omitted', 'text', 'request', 'bodyOmitted'),
  column('status_code', 'integer', 'response', 'status'),
  column('response_content_type', 'text', 'response', 'contentType'),
  column('response_body', 'json', 'response', 'body'),
  column('response_body_format', 'text', 'response', 'bodyFormat'),
  column('response_body_size', 'bigint', 'response', 'bodySize'),
  column('response_body_truncated', 'boolean', 'response', 'bodyTruncated'),
  column('response_body_omitted', 'text', 'response', 'bodyOmitted'),
  column('duration_ms', 'double precision', 'durationMs'),
  column('client_address', 'inet', 'client', 'address'),
  column('client_port', 'integer', 'client', 'port'),
  column('forwarded', 'text', 'client', 'forwarded'),
  column('user_agent', 'text', 'client', 'userAgent'),
  column('geo', 'jsonb', 'client', 'geo'),
  column('trace_id', 'text', 'trace', 'traceId'),
  column('span_id', 'text', 'trace', 'spanId'),
  column('service_name', 'text', 'service', 'name'),
  column('service_version', 'text', 'service', 'version'),
  column('service_instance', 'text', 'service', 'instanceId'),
  column('error', 'jsonb', 'error'),
  column('changes', 'jsonb', 'changes'),
  column('metadata', 'jsonb', 'metadata'),
  column('stream', 'text', 'integrity', 'stream'),
  column('epoch', 'integer', 'integrity', 'epoch'),
  column('seq', 'bigint', 'integrity', 'seq'),
  column('prev_hash', 'text', 'integrity', 'prevHash'),
  column('hash', 'text', 'integrity', 'hash'),
];

/**
 * How a value stands in a column of a type: `exact` (comes back as it was), `lossy` (the column holds its meaning, not its
 * spelling, so the spelling goes to `rest` too) or `none` (goes to `rest` only).
 */
export type Fit = 'exact' | 'lossy' | 'none';

export function fitOf(type: ColumnType, value: unknown): Fit {
  switch (type) {
    case 'text':
    case 'json':
      return typeof value === 'string' ? 'exact' : 'none';
    case 'boolean':
      return typeof value === 'boolean' ? 'exact' : 'none';
    case 'integer':
      return Number.isInteger(value) && Math.abs(Number(value)) <= MAX_INTEGER ? 'exact' : 'none';
    case 'bigint':
      return Number.isSafeInteger(value) ? 'exact' : 'none';
    case 'double precision':
      return Number.isFinite(value) ? 'exact' : 'none';
    case 'jsonb':
      return typeof value === 'object' && value !== null ? 'exact' : 'none';
    default:
      return typeof value === 'string' ? SPELLING[type](value) : 'none';
  }
}

const MAX_INTEGER = 2 ** 31 - 1;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const SPELLING: Readonly<Record<'uuid' | 'timestamptz' | 'inet', (value: string) => Fit>> = {
  uuid: (value) => (!UUID.test(value) ? 'none' : value === value.toLowerCase() ? 'exact' : 'lossy'),
  timestamptz: (value) => (parseTimestamp(value) !== undefined ? 'exact' : Number.isNaN(Date.parse(value)) ? 'none' : 'lossy'),
  inet: (value) => {
    if (isIPv4(value)) return 'exact';
    if (isIP(value) === 0 || value.includes('%')) return 'none';
    // PostgreSQL prints addresses that begin with zeros in dotted form; the rest as RFC 5952 says.
    return value === '::1' || (!value.startsWith('::') && IPv6.parse(value).toRFC5952String() === value) ? 'exact' : 'lossy';
  },
};

function column(name: string, type: ColumnType, member: string, submember?: string): Column {
  return { name, type, member: submember === undefined ? [member] : [member, submember] };
}
