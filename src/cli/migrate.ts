/** `otel-audit migrate`: makes or upgrades the Postgres tables, or prints the SQL for those who apply it themselves. */

import { createTables, type DatabaseAccess, type MigrationOptions, migrationSql } from '../../exporters/postgres/index.js';

export interface MigrateOptions extends MigrationOptions {
  /** Of a role that may create tables; undefined: print the SQL, connect to nothing. */
  readonly access?: DatabaseAccess | undefined;
  readonly write: (text: string) => void;
}

/** @throws {AuditError} ERR_AUDIT_EXPORTER if the database refuses or cannot be reached */
export async function runMigrate({ access, write, ...options }: MigrateOptions): Promise<void> {
  if (access === undefined) return write(migrationSql(options));
  const { version, applied } = await createTables(access, options);
  write(applied.length === 0 ? `audit_logs is up to date at version ${version}\n` : `audit_logs: applied version ${applied.join(', ')}\n`);
  if (options.partitions !== undefined) write(`audit_logs: partitions of a ${options.partitions} from now on\n`);
  if (options.rolePrefix !== undefined) write(`audit_logs: ${rolesLine(options.rolePrefix)}\n`);
}

function rolesLine(prefix: string): string {
  return `row level security is on; grant ${prefix}_writer, ${prefix}_reader or ${prefix}_retention to whoever logs in`;
}
