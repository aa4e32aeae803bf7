/** The commands about row changes: connects to the service's database, and hands over to the command. */

import type { Command } from 'commander';
import type { Client } from 'pg';
import { connectToDatabase } from '../../exporters/database.js';
import { type DatabaseAccess, listHolds } from '../../exporters/postgres/index.js';
import { type AuditConfig, loadConfig } from '../config.js';
import { AuditConfigError, AuditError } from '../errors.js';
import { createConfiguredRedactor } from '../redaction-functions.js';
import { placeOf } from '../trail/place.js';
import type { CommandContext } from './context.js';
import { printBlame, printHistory } from './history.js';
import { runPruneChanges } from './prune-changes.js';
import { recordReading } from './record-reading.js';
import { periodOf } from './retention.js';
import { runStatus, runTrack, runUntrack } from './track.js';

interface UrlFlags {
  readonly url?: string;
  readonly trail?: string;
}

type TrackFlags = UrlFlags & { readonly exclude: readonly string[]; readonly mask: readonly string[]; readonly print: boolean };

const URL_FLAG = ['--url <url>', "the service's database; default: AUDIT_CHANGES_URL"] as const;
const TRAIL_FLAG = ['--trail <url>', 'where audit_logs is, for the actions; default: AUDIT_POSTGRES_URL if set'] as const;
const PRINT_FLAG = ['--print', 'print the SQL and change nothing', false] as const;

// Of one statement: a history may be long.
const STATEMENT_MS = 600_000;

export function addChangeCommands(program: Command, { access, write }: CommandContext): void {
  program
    .command('track <tables>')
    .description('record every row change of these tables (comma list), whoever makes it; safe to repeat')
    .option(...URL_FLAG)
    .option('--exclude <columns>', 'columns never recorded: note or orders.note (comma list)', list, [])
    .option('--mask <columns>', 'columns whose values are masked, besides those with a secret name', list, [])
    .option(...PRINT_FLAG)
    .action((tables: string, flags: TrackFlags) =>
      connected(flags, (client, config) =>
        runTrack({ ...flags, client, tables: list(tables), redactor: createConfiguredRedactor(config, warn), write }),
      ),
    );
  program
    .command('untrack <tables>')
    .description('stop recording row changes of these tables; what was recorded stays')
    .option(...URL_FLAG)
    .option(...PRINT_FLAG)
    .action((tables: string, flags: TrackFlags) =>
      connected(flags, (client) => runUntrack({ ...flags, client, tables: list(tables), write })),
    );
  program
    .command('tracked')
    .description('which tables are tracked, and whether all is well with them')
    .option(...URL_FLAG)
    .action((flags: UrlFlags) => failing(connected(flags, (client) => runStatus({ client, write }))));
  program
    .command('prune-changes')
    .description('say which months of recorded changes are past their period; with --apply, remove them for good and record that')
    .requiredOption('--keep <period>', 'for how long: 90d, 60w, 7y', periodOf)
    .option('--apply', 'remove them; without it nothing is changed', false)
    .option(...URL_FLAG)
    .option('--trail <url>', 'where legal holds are placed; default: AUDIT_POSTGRES_URL if set')
    .action((flags: UrlFlags & { readonly keep: string; readonly apply: boolean }) =>
      failing(
        connected(flags, async (client, config, id) => {
          const trail = flags.trail ?? config.postgres.url;
          const holds = trail === undefined ? [] : await listHolds(access(trail));
          const fallback = trail === undefined || config.postgres.url !== undefined ? undefined : access(trail);
          return runPruneChanges({ ...flags, client, holds, place: { target: { type: 'audit.changes', id }, fallback }, write });
        }),
      ),
    );
  program
    .command('history <table> <key>')
    .description("a row's life: each change with its time, actor and action")
    .option(...URL_FLAG)
    .option(...TRAIL_FLAG)
    .action((table: string, key: string, flags: UrlFlags) =>
      failing(
        connected(flags, async (client, config, place) => {
          await recordReading({ command: 'history', trail: place, filter: { table, row: key } });
          return printHistory({ client, table, key, write, ...readingOf(flags, config, access) });
        }),
      ),
    );
  program
    .command('blame <table> <key> <column>')
    .description('who last changed a column of a row, and from what to what')
    .option(...URL_FLAG)
    .option(...TRAIL_FLAG)
    .action((table: string, key: string, column: string, flags: UrlFlags) =>
      failing(
        connected(flags, async (client, config, place) => {
          await recordReading({ command: 'blame', trail: place, filter: { table, row: key, column } });
          return printBlame({ client, table, key, column, write, ...readingOf(flags, config, access) });
        }),
      ),
    );
}

function warn(message: string): void {
  process.stderr.write(`${message}\n`);
}

async function failing(isWell: Promise<boolean>): Promise<void> {
  if (!(await isWell)) process.exitCode = 1;
}

async function connected<Result>(
  { url }: UrlFlags,
  work: (client: Client, config: AuditConfig, place: string) => Promise<Result>,
): Promise<Result> {
  const config = loadConfig({ env: process.env, directory: process.cwd() });
  const connectionString = url ?? config.changes.url;
  if (connectionString === undefined) throw new AuditConfigError(['AUDIT_CHANGES_URL: not set; say which database the service uses']);
  const { client, close } = await connectToDatabase(
    { url: connectionString, ca: config.postgres.ca },
    { statementTimeoutMs: STATEMENT_MS },
  );
  try {
    return await work(client, config, placeOf(connectionString));
  } catch (cause) {
    if (cause instanceof AuditError) throw cause;
    // The driver's message may quote the URL or a row.
    const { code = 'unknown error' } = cause as { readonly code?: string };
    throw new AuditError('ERR_AUDIT_EXPORTER', `the database refused or failed (${code})${hintOf(code)}`, { cause });
  } finally {
    await close();
  }
}

function hintOf(code: string): string {
  if (code === '42501') return ': the role must own the tables, or be allowed to make triggers on them and the schema audit';
  if (code === '42P01' || code === '3F000') return ': nothing is tracked there; run `otel-audit track`';
  return '';
}

function readingOf({ trail }: UrlFlags, config: AuditConfig, access: CommandContext['access']) {
  const url = trail ?? config.postgres.url;
  return {
    redactor: createConfiguredRedactor(config, warn),
    actionsOf: async (ids: readonly string[]): Promise<ReadonlyMap<string, string>> =>
      url === undefined || ids.length === 0 ? new Map() : actionsIn(access(url), ids),
  };
}

async function actionsIn(trail: DatabaseAccess, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  try {
    const { client, close } = await connectToDatabase(trail, { statementTimeoutMs: STATEMENT_MS });
    const { rows } = await client
      .query<{ id: string; action: string }>('SELECT id::text, action FROM audit_logs WHERE id = ANY ($1::uuid[])', [ids])
      .finally(close);
    return new Map(rows.map(({ id, action }) => [id, action]));
  } catch (error) {
    // The history is whole without it; the request is named all the same.
    const { code } = error as { readonly code?: string };
    warn(`actions are not named, as the trail cannot be read: ${error instanceof AuditError ? error.message : code}`);
    return new Map();
  }
}

function list(text: string): readonly string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
