/** `otel-audit history` and `blame`: what became of one row, and by whom. */

import type { Client } from 'pg';
import { diffText } from '../changes/diff-text.js';
import { blame, type HistoryEntry, historyOf } from '../changes/history.js';
import type { Redactor } from '../redaction/redactor.js';

export interface HistoryCommand {
  readonly client: Client;
  /** Of the trail, if it is in Postgres: requests have their actions there. */
  readonly actionsOf: (recordIds: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  readonly table: string;
  readonly key: string;
  /** Values are printed as the trail would hold them. */
  readonly redactor: Redactor;
  readonly write: (text: string) => void;
}

/** False if nothing is recorded of the row. */
export async function printHistory(command: HistoryCommand): Promise<boolean> {
  const entries = await historyOf(command.client, command.table, command.key);
  const actions = await command.actionsOf(recordIdsOf(entries));
  for (const entry of entries) command.write(`${headOf(entry, actions)}\n${indented(entry, command.redactor)}`);
  if (entries.length === 0) command.write(nothing(command));
  return entries.length > 0;
}

/** The last change of a column. False if none is recorded. */
export async function printBlame(command: HistoryCommand & { readonly column: string }): Promise<boolean> {
  const entry = blame(await historyOf(command.client, command.table, command.key), command.column);
  if (entry === undefined) {
    command.write(nothing(command));
    return false;
  }
  const actions = await command.actionsOf(recordIdsOf([entry]));
  const { before, after, ...rest } = entry.change;
  const only = (row: unknown): object =>
    typeof row === 'object' && row !== null && Object.hasOwn(row, command.column)
      ? { [command.column]: (row as Readonly<Record<string, unknown>>)[command.column] }
      : {};
  const change = { ...rest, before: only(before), after: only(after) } as HistoryEntry['change'];
  command.write(`${headOf(entry, actions)}\n${indented({ ...entry, change }, command.redactor)}`);
  return true;
}

function headOf({ time, actor, tenant, request, recordId }: HistoryEntry, actions: ReadonlyMap<string, string>): string {
  const action = recordId === undefined ? undefined : actions.get(recordId);
  const who = actor === undefined ? 'nobody known (no request, or another client of the database)' : actor;
  return [
    time,
    who,
    tenant && `(${tenant})`,
    action ?? request,
    action !== undefined && request && `by ${request}`,
    recordId && `record ${recordId}`,
  ]
    .filter(Boolean)
    .join('  ');
}

function indented({ change }: HistoryEntry, redactor: Redactor): string {
  return diffText([redactor.value(change) as HistoryEntry['change']]).replace(/^(?=.)/gm, '  ');
}

function recordIdsOf(entries: readonly HistoryEntry[]): readonly string[] {
  return [...new Set(entries.flatMap(({ recordId }) => (recordId === undefined ? [] : [recordId])))];
}

function nothing({ table, key }: HistoryCommand): string {
  return `nothing is recorded of ${table} ${key}; \`otel-audit tracked\` says which tables are tracked\n`;
}
