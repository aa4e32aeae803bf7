/** `otel-audit migrate`: makes or upgrades the Postgres tables, or prints the SQL for those who apply it themselves. */

import { type Command, Option } from 'commander';
import { createTables, type DatabaseAccess, type MigrationOptions, migrationSql } from '../../exporters/postgres/index.js';
import type { CommandContext } from './context.js';

export function addMigrate(program: Command, { access, write }: CommandContext): void {
  program
    .command('migrate')
    .description('make or upgrade the audit_logs table; safe to repeat, and to run in many places at once')
    .option('--url <url>', 'the database; default: AUDIT_POSTGRES_URL, AUDIT_POSTGRES_URL_FILE or the file in AUDIT_CONFIG_FILE')
    .option('--print', 'print the SQL and connect to nothing', false)
    .addOption(new Option('--partitions <size>', 'of a month or a day, from now on; default: as they are').choices(['month', 'day']))
    .option('--roles [prefix]', 'make the roles audit_writer, audit_reader, audit_retention and switch row level security on')
    .action(async ({ url, print, partitions, roles }: MigrateFlags) => {
      const rolePrefix = roles === true ? 'audit' : roles;
      await runMigrate({ access: print ? undefined : access(url), partitions, rolePrefix, write });
    });
}

interface MigrateFlags {
  readonly url?: string;
  readonly print: boolean;
  readonly partitions?: 'month' | 'day';
  readonly roles?: string | true;
}

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
