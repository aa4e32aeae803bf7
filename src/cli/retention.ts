/** `otel-audit prune`, `hold`, `archive` and `restore`: how long records are kept, what must be kept longer, and where they go. */

import type { Command } from 'commander';
import {
  archive,
  type Hold,
  type KeepPeriods,
  listHolds,
  type Pruned,
  placeHold,
  prune,
  releaseHold,
  restore,
} from '../../exporters/postgres/index.js';
import { AuditConfigError } from '../errors.js';
import type { CommandContext } from './context.js';

const URL_OPTION = ['--url <url>', 'the database; default: as the postgres exporter is configured'] as const;

export function addRetentionCommands(program: Command, { access, write }: CommandContext): void {
  program
    .command('prune')
    .description('say which records are past their period; with --apply, remove them for good and record that')
    .requiredOption('--keep <period>', 'for how long: 400d, 60w, 7y')
    .option('--tenant <id=period>', 'for one tenant, in place of --keep and --level; may be repeated', collect, [])
    .option('--level <level=period>', 'for records with full, request or only metadata, in place of --keep; may be repeated', collect, [])
    .option('--apply', 'remove them; without it nothing is changed', false)
    .option(...URL_OPTION)
    .action(async ({ keep, tenant, level, apply, url }: PruneFlags) => {
      const periods = { default: periodOf(keep), tenants: periodsOf(tenant), levels: periodsOf(level, LEVELS) };
      write(prunedText(await prune(access(url), { keep: periods, apply }), apply));
    });

  const hold = program.command('hold').description('what must not be removed, whatever its period');
  hold
    .command('add <reason>')
    .description('keep every record that all flags fit; without flags, every record')
    .option('--tenant <id>')
    .option('--actor <id>')
    .option('--target <type/id>', 'order/o-17; either side may be empty')
    .option('--from <time>', 'RFC 3339, or a date')
    .option('--to <time>', 'not included')
    .option(...URL_OPTION)
    .action(async (reason: string, { tenant, actor, target, from, to, url }: HoldFlags) => {
      const [targetType, targetId] = target?.split(/\/(.*)/s).map((part) => part || undefined) ?? [];
      const scope = { tenantId: tenant, actorId: actor, targetType, targetId, from: timeOf(from), to: timeOf(to) };
      write(`hold ${await placeHold(access(url), reason, scope)} is in force\n`);
    });
  hold
    .command('list')
    .description('all holds that were ever placed')
    .option('--json', 'for machines', false)
    .option(...URL_OPTION)
    .action(async ({ json, url }: { readonly json: boolean; readonly url?: string }) => {
      const holds = await listHolds(access(url));
      write(json ? `${JSON.stringify(holds, undefined, 2)}\n` : holds.map(holdLine).join('') || 'no holds\n');
    });
  hold
    .command('release <id> <reason>')
    .description('let the records go their way again')
    .option(...URL_OPTION)
    .action(async (id: string, reason: string, { url }: { readonly url?: string }) => {
      if (!/^\d{1,9}$/.test(id)) throw new AuditConfigError([`${id}: must be the number of a hold`]);
      await releaseHold(access(url), Number(id), reason);
      write(`hold ${id} is released\n`);
    });

  program
    .command('archive')
    .description('copy whole partitions to compressed JSON Lines with a manifest each; removes nothing')
    .requiredOption('--dir <directory>', 'where to; made if it is not there')
    .option('--before <time>', 'partitions that end by then; default: now')
    .option(...URL_OPTION)
    .action(async ({ dir, before, url }: { readonly dir: string; readonly before?: string; readonly url?: string }) => {
      const files = await archive(access(url), { directory: dir, before: new Date(timeOf(before) ?? Date.now()) });
      for (const { manifest, manifestSha256 } of files) {
        write(`${manifest.file}: ${manifest.records} records, manifest sha256 ${manifestSha256}\n`);
        if (manifest.altered.length > 0) write(`  ALTERED in the database: ${manifest.altered.join(', ')}\n`);
      }
      if (files.length === 0) write('no partition to archive\n');
      if (files.some(({ manifest }) => manifest.altered.length > 0)) process.exitCode = 1;
    });

  program
    .command('restore')
    .description('bring archived records back, as the owner of the tables; what is there already stays as it is')
    .requiredOption('--dir <directory>', 'of the archive')
    .option(...URL_OPTION)
    .action(async ({ dir, url }: { readonly dir: string; readonly url?: string }) => {
      for (const { file, records, rejected } of await restore(access(url), dir)) {
        write(`${file}: ${records} records\n`);
        for (const [reason, count] of Object.entries(rejected)) write(`  ${count} not restored: ${reason}\n`);
        if (Object.keys(rejected).length > 0) process.exitCode = 1;
      }
    });
}

interface PruneFlags {
  readonly keep: string;
  readonly tenant: readonly string[];
  readonly level: readonly string[];
  readonly apply: boolean;
  readonly url?: string;
}

interface HoldFlags {
  readonly tenant?: string;
  readonly actor?: string;
  readonly target?: string;
  readonly from?: string;
  readonly to?: string;
  readonly url?: string;
}

const LEVELS: readonly string[] = ['full', 'request', 'metadata'];
const UNITS: Readonly<Record<string, string>> = { d: 'days', w: 'weeks', y: 'years' };

function collect(value: string, others: readonly string[]): readonly string[] {
  return [...others, value];
}

/** As PostgreSQL reads it. */
function periodOf(text: string): string {
  const [, count, unit = ''] = /^(\d{1,5})([dwy])$/.exec(text) ?? [];
  if (count === undefined) throw new AuditConfigError([`${text}: must be a period such as 400d, 60w or 7y`]);
  return `${count} ${UNITS[unit]}`;
}

function periodsOf(pairs: readonly string[], names?: readonly string[]): NonNullable<KeepPeriods['tenants']> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name = '', period = ''] = /^(.+)=([^=]*)$/s.exec(pair) ?? [];
      if (name === '' || names?.includes(name) === false)
        throw new AuditConfigError([`${pair}: must be ${names?.join(', ') ?? 'a tenant'} and a period: ${names?.[0] ?? 'acme'}=400d`]);
      return [name, periodOf(period)];
    }),
  );
}

/** RFC 3339 of a time or a date. */
function timeOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new AuditConfigError([`${text}: must be a time such as 2026-11-01 or 2026-11-01T08:00:00Z`]);
  return new Date(ms).toISOString();
}

function prunedText(partitions: readonly Pruned[], applied: boolean): string {
  if (partitions.length === 0) return 'nothing is past its period\n';
  const lines = partitions.map(({ partition, total, removed, held }) => {
    const which = removed === total ? 'the whole partition' : `${removed} of ${total}`;
    return `${partition}: ${applied ? 'removed' : 'would remove'} ${which}${held === 0 ? '' : `; ${held} under legal hold stay`}\n`;
  });
  const removed = partitions.reduce((sum, one) => sum + one.removed, 0);
  return `${lines.join('')}${applied ? `${removed} records removed, as audit_removals says` : `${removed} records; nothing was changed, --apply removes them`}\n`;
}

function holdLine({ id, reason, placedAt, placedBy, released, ...scope }: Hold): string {
  const what = Object.entries(scope).map(([name, value]) => `${name} ${value}`);
  const end = released === undefined ? 'in force' : `released ${released.at} by ${released.by}: ${released.reason}`;
  return `${id}  ${what.join(', ') || 'every record'}  "${reason}"  placed ${placedAt} by ${placedBy}, ${end}\n`;
}
