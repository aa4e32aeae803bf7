/** `otel-audit prune`, `hold`, `archive` and `restore`: how long records are kept, what must be kept longer, and where they go. */

import path from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import {
  type ArchivedFile,
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
import type { CommandContext } from './context.js';
import { countOf, targetOf, whenOf } from './flags.js';
import { recorded, trailAt } from './recorded.js';
import { archiving, placing, pruning, releasing, restoring } from './retention-deeds.js';

const URL_OPTION = ['--url <url>', 'the database; default: as the postgres exporter is configured'] as const;

export function addRetentionCommands(program: Command, context: CommandContext): void {
  const { access, write } = context;
  program
    .command('prune')
    .description('say which records are past their period; with --apply, remove them for good and record that')
    .requiredOption('--keep <period>', 'for how long: 400d, 60w, 7y', periodOf)
    .option('--tenant <id=period>', 'for one tenant, in place of --keep and --level; may be repeated', collectPeriods())
    .option(
      '--level <level=period>',
      'for records with full, request or only metadata, in place of --keep; may be repeated',
      collectPeriods(LEVELS),
    )
    .option('--apply', 'remove them; without it nothing is changed', false)
    .option(...URL_OPTION)
    .action(async ({ keep, tenant: tenants, level: levels, apply, url }: PruneFlags) => {
      const periods = { default: keep, tenants, levels };
      const run = (): Promise<readonly Pruned[]> => prune(access(url), { keep: periods, apply });
      write(prunedText(apply ? await recorded(trailAt(context, url), pruning(periods, run)) : await run(), apply));
    });

  const hold = program.command('hold').description('what must not be removed, whatever its period');
  hold
    .command('add <reason>')
    .description('keep every record that all flags fit; without flags, every record')
    .option('--tenant <id>')
    .option('--actor <id>')
    .option('--target <type/id>', 'order/o-17; either side may be empty', targetOf)
    .option('--from <when>', 'a time, or how long ago', whenOf)
    .option('--to <when>', 'not included', whenOf)
    .option(...URL_OPTION)
    .action(async (reason: string, { tenant, actor, target, from, to, url }: HoldFlags) => {
      const scope = { tenantId: tenant, actorId: actor, targetType: target?.type, targetId: target?.id, from, to };
      const id = await recorded(
        trailAt(context, url),
        placing({ reason, ...scope }, () => placeHold(access(url), reason, scope)),
      );
      write(`hold ${id} is in force\n`);
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
    .command('release')
    .description('let the records go their way again')
    .argument('<id>', 'the number of the hold', countOf)
    .argument('<reason>')
    .option(...URL_OPTION)
    .action(async (id: number, reason: string, { url }: { readonly url?: string }) => {
      await recorded(
        trailAt(context, url),
        releasing({ hold: id, reason }, () => releaseHold(access(url), id, reason)),
      );
      write(`hold ${id} is released\n`);
    });

  program
    .command('archive')
    .description('copy whole partitions to compressed JSON Lines with a manifest each; removes nothing')
    .requiredOption('--dir <directory>', 'where to; made if it is not there')
    .option('--before <when>', 'partitions that end by then: a time, or how long ago; default: now', whenOf)
    .option(...URL_OPTION)
    .action(async ({ dir, before, url }: { readonly dir: string; readonly before?: string; readonly url?: string }) => {
      const until = before ?? new Date().toISOString();
      const run = (): Promise<readonly ArchivedFile[]> => archive(access(url), { directory: dir, before: new Date(until) });
      const files = await recorded(trailAt(context, url), archiving({ directory: path.resolve(dir), before: until }, run));
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
      const deed = restoring({ directory: path.resolve(dir) }, () => restore(access(url), dir));
      for (const { file, records, rejected } of await recorded(trailAt(context, url), deed)) {
        write(`${file}: ${records} records\n`);
        for (const [reason, count] of Object.entries(rejected)) write(`  ${count} not restored: ${reason}\n`);
        if (Object.keys(rejected).length > 0) process.exitCode = 1;
      }
    });
}

interface PruneFlags {
  readonly keep: string;
  readonly tenant?: Periods;
  readonly level?: Periods;
  readonly apply: boolean;
  readonly url?: string;
}

interface HoldFlags {
  readonly tenant?: string;
  readonly actor?: string;
  readonly target?: ReturnType<typeof targetOf>;
  readonly from?: string;
  readonly to?: string;
  readonly url?: string;
}

type Periods = NonNullable<KeepPeriods['tenants']>;

const LEVELS: readonly string[] = ['full', 'request', 'metadata'];
const UNITS: Readonly<Record<string, string>> = { d: 'days', w: 'weeks', y: 'years' };

/** `400d` as PostgreSQL reads it. @throws {InvalidArgumentError} */
export function periodOf(text: string): string {
  const [, count, unit = ''] = /^(\d{1,5})([dwy])$/.exec(text) ?? [];
  if (count === undefined) throw new InvalidArgumentError('It must be a period such as 400d, 60w or 7y.');
  return `${count} ${UNITS[unit]}`;
}

/** One pair of each flag, with those of the flags before. */
function collectPeriods(names?: readonly string[]): (pair: string, others?: Periods) => Periods {
  return (pair, others) => {
    const [, name = '', period = ''] = /^(.+)=([^=]*)$/s.exec(pair) ?? [];
    if (name === '' || names?.includes(name) === false)
      throw new InvalidArgumentError(`It must be ${names?.join(', ') ?? 'a tenant'} and a period: ${names?.[0] ?? 'acme'}=400d.`);
    return { ...others, [name]: periodOf(period) };
  };
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
