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
  if (code === OUR_OWN && error instanceof Error) return error.message;
  const meaning = code === undefined ? meaningOfMessage(error) : (MEANINGS[code] ?? MEANINGS[code.slice(0, 2)]);
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

/** True when a lock was not to be had, or two waited for each other. */
export function isLocked(error: unknown): boolean {
  const { code } = detailsOf(error);
  return code === '55P03' || code === '40P01';
}

/** True when a function is not there: the tables are of an older version. */
export function lacksFunction(error: unknown): boolean {
  return detailsOf(error).code === '42883';
}

const UNTRUSTED = "nobody trusted signed the server's certificate: give its CA as AUDIT_POSTGRES_CA or sslrootcert";

/** Raised by our functions, whose messages quote no record. */
const OUR_OWN = 'AU001';

/** `pg` gives this one no code. */
const NO_TLS = 'The server does not support SSL connections';

function meaningOfMessage(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.message !== NO_TLS) return undefined;
  return 'the server speaks no TLS: set it up there, or add sslmode=disable to the URL if the network may be trusted';
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
  '55P03': 'somebody held a lock for too long',
  '57014': 'the statement took too long',
  '57': 'the server is stopping or starting',
  '58': 'the server has a system error',
  EACCES: 'a file or directory may not be used',
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was lost',
  ENOENT: 'a file or directory is not there',
  ENOSPC: 'the disk is full',
  ENOTFOUND: 'the host is not known',
  CERT_HAS_EXPIRED: "the server's certificate is out of date",
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  ERR_TLS_CERT_ALTNAME_INVALID: "the server's certificate is for another name",
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
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
