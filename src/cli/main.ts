#!/usr/bin/env node
/** The command line: one command a file. */

import path from 'node:path';
import { Command } from 'commander';
import type { DatabaseAccess } from '../../exporters/postgres/index.js';
import { loadConfig } from '../config.js';
import { readSources } from '../config-sources.js';
import { AuditConfigError, messageOf } from '../errors.js';
import { nearestPackage } from '../package-manifest.js';
import { addChangeCommands } from './changes.js';
import type { CommandContext } from './context.js';
import { addDeliveryCommands } from './delivery-commands.js';
import { addDoctor } from './doctor.js';
import { addErase } from './erase.js';
import { addInventory } from './inventory.js';
import { useEnvironmentKeys } from './journal-keys.js';
import { addKeys } from './keys.js';
import { addMigrate } from './migrate.js';
import { addPolicy } from './policy.js';
import { addProve } from './prove.js';
import { addReading } from './reading.js';
import { addReport } from './report.js';
import { addRetentionCommands } from './retention.js';
import { addVerify } from './verify.js';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
// EX_CONFIG of sysexits.h, as the preload has it.
const EXIT_CONFIG = 78;

// Whoever reads less than there is, as `head` does, has what was wanted.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const program = new Command('otel-audit')
  .description('The audit trail of Node services')
  .version(nearestPackage(__dirname).version ?? 'unknown')
  .addHelpText(
    'after',
    '\nExit status 0: done; 1: failed, or not well; 2: the call was not understood, or could not be checked; 78: wrong configuration.',
  )
  // Commands inherit it. Of `verify` 1 is a verdict; a flag that is not understood is none.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : EXIT_USAGE));

const sources = { env: process.env, directory: process.cwd() };
const context: CommandContext = {
  write: (text) => void process.stdout.write(text),
  access: databaseAccess,
  config: () => loadConfig(sources),
  subjectKeys: () => {
    const directory = readSources(sources).raw['SUBJECT_KEYS'];
    return typeof directory === 'string' && directory !== '' ? path.resolve(directory) : undefined;
  },
  signingKey: () => readSources(sources).raw['SIGNING_KEY'] as string | undefined,
  useKeys: useEnvironmentKeys,
};

const commands = [
  addMigrate,
  addPolicy,
  addInventory,
  addChangeCommands,
  addDoctor,
  addDeliveryCommands,
  addVerify,
  addReading,
  addProve,
  addReport,
  addKeys,
  addErase,
  addRetentionCommands,
];
for (const add of commands) add(program, context);

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = error instanceof AuditConfigError ? EXIT_CONFIG : EXIT_FAILED;
});

/** What a command is told, else what the exporter is. @throws {AuditConfigError} ERR_AUDIT_CONFIG if neither says which database */
function databaseAccess(url?: string): DatabaseAccess {
  const overrides = { EXPORTER: ['postgres'], ...(url === undefined ? {} : { POSTGRES_URL: url }) };
  const { postgres } = loadConfig({ ...sources, overrides });
  return { ...postgres, url: postgres.url ?? '' };
}
