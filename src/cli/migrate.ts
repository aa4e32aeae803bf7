/** `otel-audit migrate`: makes or upgrades the Postgres tables, or prints the SQL for those who apply it themselves. */

import { createTables, migrationSql } from '../../exporters/postgres/index.js';
import { AuditConfigError } from '../errors.js';

export interface MigrateOptions {
  /** Of a role that may create tables; not needed to print. */
  readonly url?: string | undefined;
  /** True: print the SQL, connect to nothing. */
  readonly print: boolean;
  readonly write: (text: string) => void;
}

/** @throws {AuditError} ERR_AUDIT_CONFIG without a URL, ERR_AUDIT_EXPORTER if the database refuses or cannot be reached */
export async function runMigrate({ url, print, write }: MigrateOptions): Promise<void> {
  if (print) return write(migrationSql());
  if (url === undefined) throw new AuditConfigError(['AUDIT_POSTGRES_URL: not set; say which database to migrate']);
  const { version, applied } = await createTables(url);
  write(applied.length === 0 ? `audit_logs is up to date at version ${version}\n` : `audit_logs: applied version ${applied.join(', ')}\n`);
}
