#!/usr/bin/env node
/** The command line: one command a file. Exit status 0: done; 1: failed; 78: wrong configuration. */

import { Command } from 'commander';
import { loadConfig, nearestPackage } from '../config.js';
import { AuditConfigError, messageOf } from '../errors.js';
import { entryDirectory, readModeFacts } from '../mode-facts.js';
import { runDoctor } from './doctor.js';
import { runMigrate } from './migrate.js';

// EX_CONFIG of sysexits.h, as the preload has it.
const EXIT_CONFIG = 78;

const program = new Command('otel-audit')
  .description('The audit trail of Node services')
  .version(nearestPackage(__dirname).version ?? 'unknown');

program
  .command('migrate')
  .description('make or upgrade the audit_logs table; safe to repeat, and to run in many places at once')
  .option('--url <url>', 'the database; default: AUDIT_POSTGRES_URL, AUDIT_POSTGRES_URL_FILE or the file in AUDIT_CONFIG_FILE')
  .option('--print', 'print the SQL and connect to nothing', false)
  .action(async ({ url, print }: { readonly url?: string; readonly print: boolean }) => {
    await runMigrate({ url: print ? undefined : (url ?? configuredUrl()), print, write: (text) => process.stdout.write(text) });
  });

program
  .command('doctor')
  .description('say what the preload would do here and why: mode, settings and their origins, exporters, journal; starts nothing')
  .argument('[entry]', "the service's entry script; default: the working directory")
  .option('--json', 'for machines', false)
  .action(async (entry: string | undefined, { json }: { readonly json: boolean }) => {
    const directory = entryDirectory(entry);
    const sources = { env: process.env, directory: process.cwd(), entryDirectory: directory };
    const write = (text: string): void => void process.stdout.write(text);
    const isWell = await runDoctor({ sources, factsOf: (configured) => readModeFacts(configured, directory), json, write });
    if (!isWell) process.exitCode = 1;
  });

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = error instanceof AuditConfigError ? EXIT_CONFIG : 1;
});

function configuredUrl(): string | undefined {
  return loadConfig({ env: process.env, directory: process.cwd(), overrides: { EXPORTER: ['postgres'] } }).postgres.url;
}
