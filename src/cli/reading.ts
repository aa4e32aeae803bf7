/** `otel-audit query`, `show`, `tail` and `export`: reads a trail for people and machines, in Postgres and in files alike. */

import { once } from 'node:events';
import { createWriteStream, openSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { type Command, Option } from 'commander';
import { AuditError } from '../errors.js';
import { isIntact } from '../journal/chain.js';
import { FORMATS, type Format } from '../reading/formats.js';
import { changeText, showText } from '../reading/show.js';
import { type JournalledRecord, OUTCOMES, RECORD_KINDS } from '../record.js';
import { createOpening } from '../subjects/opening.js';
import type { RecordFilter } from '../trail/filter.js';
import { withOpening } from '../trail/opened-trail.js';
import type { Trail } from '../trail/trail.js';
import type { CommandContext } from './context.js';
import { countOf, statusRange, targetOf, whenOf } from './flags.js';
import { openTrail } from './open-trail.js';
import { recordReading } from './record-reading.js';

interface FilterFlags {
  readonly actor?: string;
  readonly tenant?: string;
  readonly action?: string;
  readonly target?: RecordFilter['target'];
  readonly outcome?: string;
  readonly kind?: string;
  readonly status?: RecordFilter['status'];
  readonly since?: string;
  readonly until?: string;
  readonly trace?: string;
  readonly request?: string;
  readonly text?: string;
}

interface OutputFlags {
  readonly format: string;
  readonly color?: boolean;
}

/** Decrypts, where the keys are configured. */
type Open = (record: JournalledRecord) => JournalledRecord;

interface Output extends OutputFlags {
  readonly open: Open;
}

export function addReading(program: Command, context: CommandContext): void {
  withOutput(withFilters(program.command('query')), 'table')
    .description('the newest records that match, newest first')
    .argument('[trail]', TRAIL)
    .option('-n, --limit <count>', 'at most so many', countOf, 100)
    .action(async (place: string | undefined, flags: FilterFlags & OutputFlags & { readonly limit: number }) => {
      const filter = filterOf(flags);
      await reading(context, 'query', place, filter, async (trail, open) => {
        await print(trail.search(filter, { limit: flags.limit }), { ...flags, open }, process.stdout);
      });
    });

  withOutput(withFilters(program.command('tail')), 'table')
    .description('the last records, and with -f those that come')
    .argument('[trail]', TRAIL)
    .option('-n, --lines <count>', 'how many to begin with', countOf, 10)
    .option('-f, --follow', 'go on until interrupted', false)
    .action(async (place: string | undefined, flags: FilterFlags & OutputFlags & { readonly lines: number; readonly follow: boolean }) => {
      const filter = filterOf(flags);
      await reading(context, 'tail', place, filter, (trail, open) => tail(trail, filter, flags.lines, { ...flags, open }));
    });

  program
    .command('show')
    .description('one record, laid out, with its changes field by field')
    .argument('<id>', "the record's id")
    .argument('[trail]', TRAIL)
    .action(async (id: string, place: string | undefined) => {
      const filter = { id };
      await reading(context, 'show', place, filter, async (trail, open) => {
        const found: JournalledRecord[] = [];
        for await (const record of trail.search(filter, {})) {
          found.push(record);
          context.write(showText(open(record), isIntact(record)));
        }
        for (const { id: refersTo, time } of found.filter(({ kind, phase }) => kind !== 'change' && phase === undefined)) {
          const changes: JournalledRecord[] = [];
          for await (const change of trail.search({ refersTo, kind: 'change', since: beforehand(time) }, {})) changes.push(change);
          const ids: ReadonlySet<unknown> = new Set(changes.map((change) => change.id));
          // Relayed once more after a crash, and the first time had succeeded.
          const once = changes.filter(({ metadata }) => !ids.has(metadata?.['mayRepeat']));
          for (const change of once) context.write(changeText(open(change)));
        }
        if (found.length === 0) throw new AuditError('ERR_AUDIT_TRAIL', `no record ${id} in ${trail.name}`);
      });
    });

  withOutput(withFilters(program.command('export')), 'json')
    .description('every record that matches; as json it can be verified')
    .argument('[trail]', TRAIL)
    .option('--out <file>', 'default: standard output')
    .option('--decrypt', 'what AUDIT_SUBJECT_KEYS encrypts in json as well, which then no longer verifies', false)
    .action(async (place: string | undefined, flags: FilterFlags & OutputFlags & { readonly out?: string; readonly decrypt: boolean }) => {
      const filter = filterOf(flags);
      await reading(context, 'export', place, filter, async (trail, opening) => {
        const open = flags.format === 'json' && !flags.decrypt ? (record: JournalledRecord) => record : opening;
        // A trail holds personal data: nobody else may read what is made of it.
        const out = flags.out === undefined ? process.stdout : createWriteStream('', { fd: openSync(flags.out, 'wx', 0o600) });
        await print(trail.search(filter, {}), { ...flags, open }, out);
        if (flags.out !== undefined) await once(out.end(), 'finish');
      });
    });
}

const TRAIL = 'database URL, directory, archive or Azure export; default: as configured';

function withFilters(command: Command): Command {
  return command
    .option('--actor <id>', 'id or e-mail')
    .option('--tenant <id>', 'id or slug')
    .option('--action <name>', 'order.created, or with stars: order.*')
    .option('--target <type/id>', 'order/o-17, order, or /o-17', targetOf)
    .addOption(new Option('--outcome <outcome>').choices([...OUTCOMES]))
    .addOption(new Option('--kind <kind>').choices([...RECORD_KINDS]))
    .option('--status <status>', '404, 4xx or 400-403', statusRange)
    .option('--since <when>', 'a time, or how long ago: 7d, 12h', whenOf)
    .option('--until <when>', 'a time, or how long ago', whenOf)
    .option('--trace <id>')
    .option('--request <id>', 'the request id that the client saw')
    .option('--text <text>', 'somewhere in a body');
}

function withOutput(command: Command, format: string): Command {
  return command
    .addOption(new Option('--format <format>').choices(Object.keys(FORMATS)).default(format))
    .option('--color', 'default: on a terminal, unless NO_COLOR is set')
    .option('--no-color');
}

// The database's clock may be behind the service's; a bound at all spares a search of all months.
const CLOCKS_MS = 3_600_000;

function beforehand(time: string): string | undefined {
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? undefined : new Date(ms - CLOCKS_MS).toISOString();
}

/** Without what says how to show them. */
function filterOf(flags: FilterFlags): RecordFilter {
  const { actor, tenant, action, target, outcome, kind, status, since, until, trace, request, text } = flags;
  return { actor, tenant, action, target, outcome, kind, status, since, until, trace, request, text };
}

/** Opens the trail, says who reads it where that is wanted, and closes it whatever happens. */
async function reading(
  context: CommandContext,
  command: string,
  place: string | undefined,
  filter: RecordFilter,
  work: (trail: Trail, open: Open) => Promise<void>,
): Promise<void> {
  const keys = context.subjectKeys();
  const open: Open = keys === undefined ? (record) => record : createOpening(keys);
  const trail = await openTrail(place, context);
  try {
    await recordReading({ command, trail: trail.name, filter });
    await work(keys === undefined ? trail : withOpening(trail, open), open);
  } finally {
    await trail.close();
  }
}

async function tail(trail: Trail, filter: RecordFilter, lines: number, flags: Output & { readonly follow: boolean }): Promise<void> {
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  // Begun before the last ones are read, so that none falls between the two.
  const coming = flags.follow ? trail.follow(filter, abort.signal)[Symbol.asyncIterator]() : undefined;
  const first = coming?.next();
  const last = await all(trail.search(filter, { limit: lines }));
  await print(last.toReversed(), flags, process.stdout);
  if (coming === undefined || first === undefined) return;
  const shown = new Set(last.map(({ id }) => id));
  const format = formatOf(flags.format);
  for (let next = await first; next.done !== true; next = await coming.next()) {
    if (!shown.has(next.value.id)) await write(process.stdout, format.row(flags.open(next.value), isColoured(flags, process.stdout)));
  }
}

async function print(records: AsyncIterable<JournalledRecord> | readonly JournalledRecord[], flags: Output, out: Writable): Promise<void> {
  const format = formatOf(flags.format);
  const colour = isColoured(flags, out);
  if (format.head !== undefined) await write(out, format.head());
  for await (const record of records) await write(out, format.row(flags.open(record), colour));
}

function formatOf(name: string): Format {
  const format = FORMATS[name];
  if (format === undefined) throw new TypeError(name);
  return format;
}

function isColoured({ color }: OutputFlags, out: Writable): boolean {
  // https://no-color.org
  return color ?? ((out as { readonly isTTY?: boolean }).isTTY === true && !process.env['NO_COLOR']);
}

async function write(out: Writable, text: string): Promise<void> {
  if (!out.write(text)) await once(out, 'drain');
}

async function all<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const list: Value[] = [];
  for await (const value of values) list.push(value);
  return list;
}
