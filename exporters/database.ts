/** Connections to other Postgres databases than the exporter's own place: with its checks of certificates, its hosts and its deadlines. */

import { AuditError } from '../src/errors.js';
import type { Connection, ConnectOptions, DatabaseAccess } from './postgres/connection.js';

/**
 * The driver is loaded by the first call.
 *
 * @throws {AuditError} ERR_AUDIT_EXPORTER with a reason that names no secret
 */
export async function connectToDatabase(access: DatabaseAccess, options: ConnectOptions): Promise<Connection> {
  const [{ connect }, { reasonOf }] = await Promise.all([import('./postgres/connection.js'), import('./postgres/errors.js')]);
  try {
    return await connect({ ...access, ...options });
  } catch (cause) {
    throw new AuditError('ERR_AUDIT_EXPORTER', reasonOf(cause), { cause });
  }
}
