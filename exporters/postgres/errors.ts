/** What an error of the database means for the batch, by its SQLSTATE; never by its message, which may quote the record. */

import { AuditError } from '../../src/errors.js';

/** `no-partition`: make it and try again. `poison`: one row's own fault. `transient`: anything that may pass. */
export type Fault = 'no-partition' | 'poison' | 'transient';

/** Data exceptions, broken constraints, exceeded limits: the same row will fail again. */
const POISON = new Set(['22', '23', '54']);

export function faultOf(error: unknown): Fault {
  const { code, constraint } = detailsOf(error);
  if (code === '23514' && constraint === undefined) return 'no-partition';
  return code !== undefined && code.length === 5 && POISON.has(code.slice(0, 2)) ? 'poison' : 'transient';
}

/** For an operator: SQLSTATE or system error code, and the names of column and constraint. No value, no message. */
export function reasonOf(error: unknown): string {
  if (error instanceof AuditError) return error.message;
  const { code, column, constraint } = detailsOf(error);
  const meaning = code === undefined ? undefined : (MEANINGS[code] ?? MEANINGS[code.slice(0, 2)]);
  const names = [column && `column ${column}`, constraint && `constraint ${constraint}`].filter(Boolean);
  return [[meaning ?? 'the database failed', code && `(${code})`].filter(Boolean).join(' '), ...names].join(', ');
}

/** True when a connection pooler (PgBouncer) does not take a setting in the start-up packet. */
export function refusesStartupSetting(error: unknown): boolean {
  return detailsOf(error).code === '08P01';
}

/** True when the role lacks a privilege. */
export function refusesRole(error: unknown): boolean {
  return detailsOf(error).code === '42501';
}

/** True where COPY cannot be had: on a table with row level security, for one. */
export function refusesCopy(error: unknown): boolean {
  return detailsOf(error).code === '0A000';
}

const MEANINGS: Readonly<Record<string, string>> = {
  '08': 'the connection failed',
  '22': 'a value has no place in its column',
  '23': 'the row breaks a constraint',
  '25006': 'the server is read-only',
  '26': 'the session was changed by a pooler',
  '28': 'authentication failed',
  '3D': 'the database does not exist',
  '3F': 'the schema does not exist',
  '40': 'the transaction was rolled back',
  '42501': 'the role may not do this',
  '42703': 'audit_logs lacks a column: run `otel-audit migrate` as the owner, or rename a table that is not ours',
  '42P01': 'audit_logs is missing: run `otel-audit migrate` as the owner',
  '42P07': 'a detached partition stands where one must be made: attach, rename or drop it',
  '53': 'the server has run out of a resource',
  '54': 'a value is longer or deeper than the server takes',
  '55': 'something is locked',
  '57014': 'the statement took too long',
  '57': 'the server is stopping or starting',
  '58': 'the server has a system error',
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was lost',
  ENOTFOUND: 'the host is not known',
};

interface Details {
  readonly code?: string | undefined;
  readonly column?: string | undefined;
  readonly constraint?: string | undefined;
}

function detailsOf(error: unknown): Details {
  if (typeof error !== 'object' || error === null) return {};
  const { code, column, constraint } = error as Readonly<Record<string, unknown>>;
  return { code: text(code), column: text(column), constraint: text(constraint) };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
