/** `otel-audit migrate`: makes or upgrades the tables, or prints the SQL for those who apply it themselves. */

import { Command } from 'commander';
import { createTables, migrationSql } from '../../exporters/postgres/index.js';
import { loadConfig } from '../config.js';
import { AuditConfigError, messageOf } from '../errors.js';

export function migrateCommand(): Command {
  return new Command('migrate')
    .description('make or upgrade the audit_logs table; safe to repeat and to run in many places at once')
    .option('--url <url>', 'the database; else AUDIT_POSTGRES_URL, its _FILE, or AUDIT_CONFIG_FILE')
    .option('--print', 'print the SQL instead of applying it')
    .action(migrate);
}

async function migrate(options: { readonly url?: string; readonly print?: boolean }): Promise<void> {
  if (options.print === true) {
    process.stdout.write(migrationSql());
    return;
  }
  try {
    const overrides: Record<string, unknown> = { EXPORTER: ['postgres'] };
    if (options.url !== undefined) overrides['POSTGRES_URL'] = options.url;
    const { postgres } = loadConfig({ env: process.env, directory: process.cwd(), overrides });
    const { version, applied } = await createTables(postgres.url ?? '');
    process.stdout.write(
      applied.length === 0 ? `audit_logs is at version ${version}; nothing to do\n` : `audit_logs is now at version ${version}\n`,
    );
  } catch (error) {
    process.stderr.write(error instanceof AuditConfigError ? `${error.message}\n` : `otel-audit migrate: ${messageOf(error)}\n`);
    process.exitCode = 1;
  }
}
