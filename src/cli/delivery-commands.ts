/** The commands about delivery: `deliver`, `status` and `dead-letter`. */

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { exporterFaults } from '../../exporters/index.js';
import { type AuditConfig, loadConfig } from '../config.js';
import { defaultJournalDirectory } from '../journal/destinations.js';
import type { CommandContext } from './context.js';
import { dropDeadLetters, listDeadLetters, retryDeadLetters, showDeadLetter } from './dead-letter.js';
import { runDeliver } from './deliver.js';
import { countOf } from './flags.js';
import { useEnvironmentKeys } from './journal-keys.js';
import { runStatus } from './status.js';

const warn = (message: string): void => void process.stderr.write(`${message}\n`);
const JOURNAL = 'the journal directory; default: as configured';
const EXPORTER = 'only of this exporter';

export function addDeliveryCommands(program: Command, { write }: CommandContext): void {
  program
    .command('deliver')
    .description(
      'deliver the journals of all processes with AUDIT_WORKER=external, and those that ended processes left; until told to stop',
    )
    .option('--journal <directory>', JOURNAL)
    .option('--once', 'deliver what there is, and end', false)
    .option('--timeout <seconds>', 'of --once', countOf, 60)
    .action(async ({ journal, once, timeout }: { readonly journal?: string; readonly once: boolean; readonly timeout: number }) => {
      const onceMs = once ? timeout * 1000 : undefined;
      const stop = stopSignal();
      const isDone = await runDeliver({ env: process.env, directory: process.cwd(), journal, onceMs, stop, write, warn });
      if (once && !isDone) process.exitCode = 1;
    });

  program
    .command('status')
    .description('what waits in the journal and what has arrived, by stream and exporter; exit status 1 if something is failing')
    .option('--journal <directory>', JOURNAL)
    .option('--json', 'for machines', false)
    .action(async ({ journal, json }: { readonly journal?: string; readonly json: boolean }) => {
      const isWell = await runStatus({ ...placeOf(journal), json, write });
      if (!isWell) process.exitCode = 1;
    });

  const letters = program.command('dead-letter').description('records that a sink refused for good; safe while the service runs');
  letters
    .command('list')
    .description('those that nobody has decided about')
    .option('--journal <directory>', JOURNAL)
    .option('--exporter <name>', EXPORTER)
    .option('--json', 'for machines', false)
    .action(({ journal, exporter, json }: Flags & { readonly json: boolean }) =>
      listDeadLetters({ ...placeOf(journal), exporter, json, write }),
    );
  letters
    .command('show <id>')
    .description('the whole record and the reason, as JSON')
    .option('--journal <directory>', JOURNAL)
    .option('--exporter <name>', EXPORTER)
    .action((id: string, { journal, exporter }: Flags) => showDeadLetter({ ...placeOf(journal), exporter, id, write }));
  letters
    .command('retry [ids...]')
    .description('offer them to their exporters again, with the environment of the service')
    .option('--journal <directory>', JOURNAL)
    .option('--exporter <name>', EXPORTER)
    .option('--all', 'instead of ids', false)
    .action(async (ids: readonly string[], { journal, exporter, all }: Flags & { readonly all: boolean }) => {
      const config = configuration(journal);
      const isDone = await retryDeadLetters({ ...placeOf(journal), config, exporter, ids: someOf(ids, all, letters), all, write });
      if (!isDone) process.exitCode = 1;
    });
  letters
    .command('drop [ids...]')
    .description('give them up for this exporter; they stay in their file, with the decision')
    .option('--journal <directory>', JOURNAL)
    .option('--exporter <name>', EXPORTER)
    .option('--all', 'instead of ids', false)
    .action((ids: readonly string[], { journal, exporter, all }: Flags & { readonly all: boolean }) =>
      dropDeadLetters({ ...placeOf(journal), exporter, ids: someOf(ids, all, letters), all, write }),
    );
}

interface Flags {
  readonly journal?: string;
  readonly exporter?: string;
}

/** Of whoever delivers: where the services say `external`, this environment may be theirs. */
function configuration(journal: string | undefined): AuditConfig {
  const overrides = { WORKER: true, ...(journal === undefined || isFile() ? {} : { JOURNAL_DIR: journal }) };
  return loadConfig({ env: process.env, directory: process.cwd(), overrides, faultsOf: exporterFaults });
}

function isFile(): boolean {
  return process.env['AUDIT_EXPORTER']?.split(',').includes('file') === true;
}

/** A directory that is named needs no configuration. */
function placeOf(journal: string | undefined): { readonly directory: string; readonly exporters: readonly string[] } {
  useEnvironmentKeys();
  if (journal !== undefined) return { directory: resolve(journal), exporters: [] };
  const config = configuration(undefined);
  return { directory: config.journal.directory ?? defaultJournalDirectory(config), exporters: config.exporters };
}

function someOf(ids: readonly string[], all: boolean, command: Command): readonly string[] {
  if (ids.length === 0 && !all) command.error('error: say which ids, or --all');
  return ids;
}

/** The first signal ends with what can still be delivered within AUDIT_SHUTDOWN_TIMEOUT_MS; a second one ends at once. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}
