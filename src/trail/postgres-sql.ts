/** The statements that read a trail from `audit_logs`. Values are parameters, always. */

import { COPY_LIST, SELECT_LIST } from '../../exporters/postgres/index.js';
import type { RecordFilter } from './filter.js';

export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/**
 * Every record, stream by stream; `since` from each stream's first record observed then.
 * For `copyRecords`.
 */
export function everything(since: string | undefined): string {
  // Two rows may claim one place: the order between them must not depend on the plan. Which stream comes first is all the same.
  const order = 'ORDER BY stream COLLATE "C", epoch, seq, id';
  if (since === undefined) return `SELECT ${COPY_LIST} FROM audit_logs ${order}`;
  return `SELECT ${COPY_LIST} FROM audit_logs JOIN (SELECT stream AS s, epoch AS e, min(seq) AS first FROM audit_logs
      WHERE observed_at >= '${new Date(since).toISOString()}' GROUP BY 1, 2) AS begun ON stream = s AND epoch = e AND seq >= first ${order}`;
}

/** The newest `limit` first; without a limit the oldest first. */
export function matching(filter: RecordFilter, limit: number | undefined): Statement {
  const { where, values } = conditions(filter);
  const clause = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
  if (limit === undefined) return { text: `SELECT ${SELECT_LIST} FROM audit_logs ${clause} ORDER BY audit_logs.occurred_at, id`, values };
  return {
    text: `SELECT ${SELECT_LIST} FROM audit_logs ${clause} ORDER BY audit_logs.occurred_at DESC, id DESC LIMIT $${values.length + 1}`,
    values: [...values, limit],
  };
}

/** Those that were observed lately, the oldest first. Only `occurred_at` has an index. */
export function arriving(filter: RecordFilter, occurredSince: Date, observedSince: Date): Statement {
  const { where, values } = conditions(filter);
  const recent = [`audit_logs.occurred_at >= $${values.length + 1}`, `audit_logs.observed_at >= $${values.length + 2}`];
  return {
    text: `SELECT ${SELECT_LIST} FROM audit_logs WHERE ${[...where, ...recent].join(' AND ')} ORDER BY audit_logs.occurred_at, id`,
    values: [...values, occurredSince.toISOString(), observedSince.toISOString()],
  };
}

const COLUMN_OF: Readonly<Partial<Record<keyof RecordFilter, string>>> = {
  outcome: 'outcome',
  kind: 'kind',
  trace: 'trace_id',
  request: 'request_id',
};

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function conditions(filter: RecordFilter): { readonly where: readonly string[]; readonly values: readonly unknown[] } {
  const values: unknown[] = [];
  const where: string[] = [];
  const put = (value: unknown): string => `$${values.push(value)}`;
  for (const [name, column] of Object.entries(COLUMN_OF)) {
    const value = filter[name as keyof RecordFilter];
    if (value !== undefined) where.push(`${column} = ${put(value)}`);
  }
  const { actor, tenant, action, target, status, since, until, text, id, refersTo } = filter;
  // What is no UUID is the id of no record, which is not the database's fault.
  if (id !== undefined) where.push(UUID.test(id) ? `id = ${put(id)}::uuid` : 'false');
  if (refersTo !== undefined) where.push(UUID.test(refersTo) ? `refers_to = ${put(refersTo)}::uuid` : 'false');
  // Ids have an index; only what looks like an address is looked for as one, too.
  if (actor !== undefined) where.push(either(actor.includes('@') ? ['actor_id', 'actor_email'] : ['actor_id'], put(actor)));
  if (tenant !== undefined) where.push(either(['tenant_id', 'tenant_slug'], put(tenant)));
  if (action?.includes('*') === true) where.push(`action LIKE ${put(likePattern(action))}`);
  else if (action !== undefined) where.push(`action = ${put(action)}`);
  if (target?.type !== undefined) where.push(`target_type = ${put(target.type)}`);
  if (target?.id !== undefined) where.push(`target_id = ${put(target.id)}`);
  if (status !== undefined) where.push(`status_code BETWEEN ${put(status[0])} AND ${put(status[1])}`);
  if (since !== undefined) where.push(`audit_logs.occurred_at >= ${put(since)}::timestamptz`);
  if (until !== undefined) where.push(`audit_logs.occurred_at < ${put(until)}::timestamptz`);
  if (text !== undefined) {
    const wanted = put(text);
    // A body of format text is kept as a JSON string: `#>> '{}'` is its text, of which a client may have made what no `text` holds.
    const found = (body: string): string =>
      `strpos(CASE WHEN ${body}_format = 'json' THEN ${body}::text ELSE ${body} #>> '{}' END, ${wanted}) > 0`;
    where.push(`(${found('request_body')} OR ${found('response_body')})`);
  }
  return { where, values };
}

function either(columns: readonly string[], value: string): string {
  return `(${columns.map((column) => `${column} = ${value}`).join(' OR ')})`;
}

function likePattern(glob: string): string {
  return glob.replace(/[\\%_]/g, '\\$&').replaceAll('*', '%');
}
