#!/usr/bin/env node
/** The command line: one command a file. Exit status 0: done; 1: failed; 78: wrong configuration; `verify` has its own. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { Command, Option } from 'commander';
import type { DatabaseAccess } from '../../exporters/postgres/index.js';
import { loadConfig, nearestPackage } from '../config.js';
import { readSources } from '../config-sources.js';
import { AuditConfigError, messageOf } from '../errors.js';
import { entryDirectory, readModeFacts } from '../mode-facts.js';
import { addChangeCommands } from './changes.js';
import type { CommandContext } from './context.js';
import { addDeliveryCommands } from './delivery-commands.js';
import { runDoctor } from './doctor.js';
import { addErase } from './erase.js';
import { listInventory } from './inventory.js';
import { useEnvironmentKeys } from './journal-keys.js';
import { addKeys } from './keys.js';
import { runMigrate } from './migrate.js';
import { checkPolicy, explainRequest } from './policy.js';
import { addProve } from './prove.js';
import { addReading } from './reading.js';
import { addReport } from './report.js';
import { addRetentionCommands } from './retention.js';
import { addVerify } from './verify.js';

// EX_CONFIG of sysexits.h, as the preload has it.
const EXIT_CONFIG = 78;

const URL_OPTION = 'the database; default: AUDIT_POSTGRES_URL, AUDIT_POSTGRES_URL_FILE or the file in AUDIT_CONFIG_FILE';

const program = new Command('otel-audit')
  .description('The audit trail of Node services')
  .version(nearestPackage(__dirname).version ?? 'unknown');

program
  .command('migrate')
  .description('make or upgrade the audit_logs table; safe to repeat, and to run in many places at once')
  .option('--url <url>', URL_OPTION)
  .option('--print', 'print the SQL and connect to nothing', false)
  .addOption(new Option('--partitions <size>', 'of a month or a day, from now on; default: as they are').choices(['month', 'day']))
  .option('--roles [prefix]', 'make the roles audit_writer, audit_reader, audit_retention and switch row level security on')
  .action(async ({ url, print, partitions, roles }: MigrateFlags) => {
    const rolePrefix = roles === true ? 'audit' : roles;
    await runMigrate({ access: print ? undefined : databaseAccess(url), partitions, rolePrefix, write });
  });

const policy = program.command('policy').description('what the rules of a configuration file say');

policy
  .command('check <file>')
  .description('list every fault of the file, or none')
  .action((file: string) => checkPolicy({ file, directory: process.cwd(), write }));

policy
  .command('explain <method> <path>')
  .description('which rule wins for a request, and why')
  .option('--file <file>', 'the configuration file; default: AUDIT_CONFIG_FILE')
  .option('--status <status>', 'of the response; default: 200', Number)
  .option('--route <route>', 'the pattern the framework matched')
  .option('--actor-type <type>', 'default: anonymous')
  .option('--tenant <id>')
  .option('--content-type <type>', 'of the request')
  .action((method: string, path: string, options: ExplainFlags) =>
    explainRequest({ ...options, method, path, file: options.file, directory: process.cwd(), write }),
  );

program
  .command('inventory')
  .description('every route configured or seen, with its level')
  .option('--dir <directory>', 'of the file exporter; default: as configured, if the file exporter is')
  .option('--url <url>', 'of the database; default: as configured, if the postgres exporter is')
  .action(async ({ dir, url }: { readonly dir?: string; readonly url?: string }) => {
    useEnvironmentKeys();
    const config = loadConfig({ env: process.env, directory: process.cwd() });
    const isAsked = dir !== undefined || url !== undefined;
    const isConfigured = (name: string): boolean => !isAsked && config.exporters.includes(name);
    await listInventory({
      config,
      // Before the first record there is no directory, and nothing seen.
      directory: dir ?? (isConfigured('file') && existsSync(config.file.directory) ? config.file.directory : undefined),
      database: url !== undefined || isConfigured('postgres') ? databaseAccess(url) : undefined,
      write,
    });
  });

addChangeCommands(program, write);

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

addDeliveryCommands(program);
const context: CommandContext = {
  write,
  access: databaseAccess,
  config: () => loadConfig({ env: process.env, directory: process.cwd() }),
  subjectKeys: () => {
    const directory = readSources({ env: process.env, directory: process.cwd() }).raw['SUBJECT_KEYS'];
    return typeof directory === 'string' && directory !== '' ? path.resolve(directory) : undefined;
  },
  signingKey: () => readSources({ env: process.env, directory: process.cwd() }).raw['SIGNING_KEY'] as string | undefined,
  useKeys: useEnvironmentKeys,
};
addVerify(program, context);
addReading(program, context);
addProve(program, context);
addReport(program, context);
addKeys(program, context);
addErase(program, context);

// Whoever reads less than there is, as `head` does, has what was wanted.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
addRetentionCommands(program, { access: databaseAccess, write });

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = error instanceof AuditConfigError ? EXIT_CONFIG : 1;
});

interface MigrateFlags {
  readonly url?: string;
  readonly print: boolean;
  readonly partitions?: 'month' | 'day';
  readonly roles?: string | true;
}

type ExplainFlags = Pick<Parameters<typeof explainRequest>[0], 'file' | 'status' | 'route' | 'actorType' | 'tenant' | 'contentType'>;

function write(text: string): void {
  process.stdout.write(text);
}

/** What a command is told, else what the exporter is. @throws {AuditConfigError} ERR_AUDIT_CONFIG if neither says which database */
function databaseAccess(url?: string): DatabaseAccess {
  const overrides = { EXPORTER: ['postgres'], ...(url === undefined ? {} : { POSTGRES_URL: url }) };
  const { postgres } = loadConfig({ env: process.env, directory: process.cwd(), overrides });
  return { ...postgres, url: postgres.url ?? '' };
}
