/** What a database URL says: one or several hosts, how to speak TLS with them, and which of them will do. */

import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { AuditError } from '../../src/errors.js';

export interface Address {
  /** In the order in which they are tried. */
  readonly hosts: readonly Host[];
  /** `any`: whichever answers. `read-write`: none that only reads. `primary`: none that is a standby. */
  readonly target: Target;
}

export interface Host {
  /** For `pg`: of this host alone, without what is said here. */
  readonly url: string;
  readonly tls: ConnectionOptions | false;
}

type Target = 'any' | 'read-write' | 'primary';

/**
 * `postgres://user:password@host:port,host:port/database?sslmode=…&sslrootcert=…&target_session_attrs=…`
 *
 * TLS with a certificate that is checked for the host's name is the rule, and so are `prefer`, `require` and
 * `verify-full`; only a host that is this machine is spoken to in clear unless the URL says otherwise. `verify-ca` checks who
 * signed the certificate, `no-verify` nothing at all; `disable` is clear text.
 *
 * @param ca certificates in PEM to trust instead of those of Node; `sslrootcert` names a file of such
 * @throws {AuditError} ERR_AUDIT_EXPORTER if the URL cannot be used; the message quotes nothing of it
 */
export function parseAddress(url: string, ca?: string): Address {
  const parts = URL_PARTS.exec(url);
  if (parts === null) throw unusable('postgres://user:password@host:port/database');
  const [, scheme = '', user = '', hosts = '', path = '', query = ''] = parts;
  const said = new URLSearchParams(query);
  const others = query.split('&').filter((part) => !OURS.has(part.split('=')[0] ?? ''));
  const rest = others.join('') === '' ? path : `${path}?${others.join('&')}`;
  const names = hosts.split(',');
  if (names.some((name) => name === '') && !said.has('host')) throw unusable('it names no host');
  const trusted = said.has('sslrootcert') ? read('sslrootcert', said) : ca;
  return {
    hosts: names.map((name) => ({ url: `${scheme}${user}${name}${rest}`, tls: tlsOf(said, said.get('host') ?? nameOf(name), trusted) })),
    target: targetOf(said, names.length),
  };
}

/** What is wrong with a URL, if anything; for the configuration. */
export function addressFaults(url: string, ca?: string): readonly string[] {
  try {
    parseAddress(url, ca);
    return [];
  } catch (error) {
    if (error instanceof AuditError) return [`AUDIT_POSTGRES_URL: ${error.message}`];
    throw error;
  }
}

const URL_PARTS = /^(postgres(?:ql)?:\/\/)([^@/?#]*@)?([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/;

/** Read here; `pg` has other meanings for some. */
const OURS: ReadonlySet<string> = new Set(
  'ssl sslmode sslrootcert sslcert sslkey sslnegotiation uselibpqcompat target_session_attrs'.split(' '),
);

function tlsOf(said: URLSearchParams, host: string, ca: string | undefined): ConnectionOptions | false {
  const mode = said.get('sslmode') ?? MODES_OF_SSL[said.get('ssl') ?? ''] ?? (isThisMachine(host) ? 'disable' : 'verify-full');
  const own = said.has('sslcert') ? { cert: read('sslcert', said), key: read('sslkey', said) } : {};
  switch (mode) {
    case 'disable':
      return false;
    case 'no-verify':
      return { ...own, rejectUnauthorized: false };
    case 'verify-ca':
      return { ...own, ...(ca === undefined ? {} : { ca }), checkServerIdentity: () => undefined };
    case 'prefer':
    case 'require':
    case 'verify-full':
      return { ...own, ...(ca === undefined ? {} : { ca }) };
    default:
      throw unusable('sslmode is verify-full, verify-ca, no-verify or disable');
  }
}

const MODES_OF_SSL: Readonly<Record<string, string>> = { true: 'verify-full', '1': 'verify-full', false: 'disable', '0': 'disable' };

function targetOf(said: URLSearchParams, hosts: number): Target {
  const target = said.get('target_session_attrs') ?? (hosts > 1 ? 'read-write' : 'any');
  if (target === 'any' || target === 'read-write' || target === 'primary') return target;
  throw unusable('target_session_attrs is any, read-write or primary');
}

/** A directory is a Unix socket. */
function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host) || host.startsWith('/');
}

function nameOf(host: string): string {
  return decodeURIComponent(host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1'));
}

function read(name: string, said: URLSearchParams): string {
  try {
    return readFileSync(said.get(name) ?? '', 'utf8');
  } catch (cause) {
    throw new AuditError('ERR_AUDIT_EXPORTER', `the file of ${name} in the URL of the Postgres exporter cannot be read`, { cause });
  }
}

function unusable(why: string): AuditError {
  return new AuditError('ERR_AUDIT_EXPORTER', `the URL of the Postgres exporter cannot be used: ${why}`);
}
