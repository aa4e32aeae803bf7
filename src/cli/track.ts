/** `otel-audit track`, `untrack` and `status`: which tables of the service's database have their row changes recorded. */

import type { Client } from 'pg';
import {
  findTables,
  install,
  installSql,
  isInstalled,
  type Table,
  type TrackedTable,
  track,
  trackedTables,
  untrack,
} from '../changes/install.js';
import { AuditError } from '../errors.js';
import { MASK, type Redactor } from '../redaction/redactor.js';

export interface TrackCommand {
  readonly client: Client;
  /** `public.orders` */
  readonly tables: readonly string[];
  /** `orders.note` or, of every table, `note`. */
  readonly exclude: readonly string[];
  readonly mask: readonly string[];
  readonly redactor: Redactor;
  /** True: print the SQL and change nothing. */
  readonly print: boolean;
  readonly write: (text: string) => void;
}

/** Idempotent: a table that is tracked already is tracked anew, with the columns it has now. */
export async function runTrack({ client, tables, exclude, mask, redactor, print, write }: TrackCommand): Promise<void> {
  const found = (await Promise.all(tables.map((name) => findTables(client, name)))).flat();
  refuseUnknown(found, [...exclude, ...mask]);
  const plans = found.map((table) => ({ table, ...columnsOf(table, exclude, mask, redactor) }));
  if (print) {
    if (!(await isInstalled(client))) write(`BEGIN;\n${installSql()}COMMIT;\n\n`);
    for (const { table, excluded, masked } of plans) write(trackSql(table, excluded, masked));
    return;
  }
  if (await install(client)) write('made audit.changes\n');
  for (const { table, excluded, masked } of plans) {
    await track(client, table, { excluded, masked });
    write(`${table.name}: tracked${listed(', masked', masked)}${listed(', excluded', excluded)}\n`);
  }
}

export async function runUntrack({
  client,
  tables,
  print,
  write,
}: Pick<TrackCommand, 'client' | 'tables' | 'print' | 'write'>): Promise<void> {
  const found = (await Promise.all(tables.map((name) => findTables(client, name)))).flat();
  for (const table of found) {
    if (print) write(`SELECT audit.untrack('${table.name.replaceAll("'", "''")}'::regclass);\n`);
    else await untrack(client, table);
    if (!print) write(`${table.name}: not tracked any more; what was recorded stays in audit.changes\n`);
  }
}

/** True if every tracked table is as it should be. */
export async function runStatus({ client, write }: Pick<TrackCommand, 'client' | 'write'>): Promise<boolean> {
  if (!(await isInstalled(client))) {
    write('no table is tracked: there is no audit.changes in this database\n');
    return true;
  }
  const tables = await trackedTables(client);
  for (const table of tables) write(statusLine(table));
  if (tables.length === 0) write('no table is tracked\n');
  return tables.every(({ exists, broken, unclassified }) => exists && broken.length === 0 && unclassified.length === 0);
}

function statusLine({ name, exists, excluded, masked, trackedAt, broken, unclassified }: TrackedTable): string {
  const faults = [
    exists ? '' : '; the table is gone: nothing of it is recorded',
    exists ? listed('; triggers missing or disabled, nothing of them is recorded', broken) : '',
    listed('; new columns, masked until `otel-audit track` is run again', unclassified),
  ].join('');
  return `${name}: ${faults === '' ? 'tracked' : 'NOT WELL'} since ${trackedAt}${listed(', masked', masked)}${listed(', excluded', excluded)}${faults}\n`;
}

/** What the redaction of records would mask by its name is masked here, and what the operator names. */
function columnsOf({ name, columns }: Table, exclude: readonly string[], mask: readonly string[], redactor: Redactor) {
  const names = (list: readonly string[], column: string): boolean =>
    [column, `${bareName(name)}.${column}`, `${name}.${column}`].some((spelling) => list.includes(spelling));
  const excluded = columns.filter((column) => names(exclude, column));
  const masked = columns.filter((column) => !excluded.includes(column) && (names(mask, column) || isSecret(column, redactor)));
  return { excluded, masked };
}

function isSecret(column: string, redactor: Redactor): boolean {
  const probed = redactor.value({ [column]: 'probe' }) as Readonly<Record<string, unknown>>;
  return probed[column] === MASK || !Object.hasOwn(probed, column);
}

/** A mistyped column would stay readable. */
function refuseUnknown(tables: readonly Table[], columns: readonly string[]): void {
  const known = tables.flatMap(({ name, columns: own }) =>
    own.flatMap((column) => [column, `${bareName(name)}.${column}`, `${name}.${column}`]),
  );
  const unknown = columns.filter((item) => !known.includes(item));
  if (unknown.length > 0) throw new AuditError('ERR_AUDIT_CONFIG', `no such column in the tables to track: ${unknown.join(', ')}`);
}

function bareName(name: string): string {
  return name.slice(name.indexOf('.') + 1);
}

function trackSql({ name }: Table, excluded: readonly string[], masked: readonly string[]): string {
  const array = (columns: readonly string[]): string => `ARRAY[${columns.map(literal).join(', ')}]::text[]`;
  return [
    'BEGIN;',
    "SET LOCAL lock_timeout = '50ms'; -- if it fails, run it again",
    `LOCK TABLE ${name} IN SHARE ROW EXCLUSIVE MODE;`,
    `SELECT audit.track(${literal(name)}::regclass, ${array(excluded)}, ${array(masked)});`,
    'COMMIT;\n',
  ].join('\n');
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function listed(what: string, names: readonly string[]): string {
  return names.length === 0 ? '' : `${what}: ${names.join(', ')}`;
}
