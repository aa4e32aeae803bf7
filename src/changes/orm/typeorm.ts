/**
 * `otel-audit/orm/typeorm`: what TypeORM can see of changes, into the record of the request. For databases without triggers of ours.
 * Blind: the rows of query builders, of `update()`, `delete()`, `upsert()` and raw SQL, which are told without them; what goes to a
 * query runner or to the driver directly; what the database does by itself, as in cascades.
 */

import { PendingChanges, rawChange, type SeenChange, seen } from './seen.js';

interface Runner {
  readonly isTransactionActive: boolean;
}

interface EntityEvent {
  readonly queryRunner: Runner;
  readonly metadata: {
    readonly tableName: string;
    readonly columns: readonly Column[];
    readonly primaryColumns: readonly Column[];
    readonly versionColumn?: Column | undefined;
    readonly updateDateColumn?: Column | undefined;
  };
  readonly entity?: object | undefined;
  readonly databaseEntity?: object | undefined;
  /** Undefined where a query builder inserted. */
  readonly entityId?: unknown;
  readonly updatedColumns?: readonly Column[];
}

interface Column {
  readonly propertyName: string;
  getEntityValue(entity: object): unknown;
}

interface DataSource {
  readonly subscribers: unknown[];
  query(statement: string, parameters?: never, runner?: never): Promise<unknown>;
}

const TRACKED = new WeakSet<object>();
const UPSERTING = /\bON (?:CONFLICT|DUPLICATE KEY)\b/i;

/** Twice does no harm. Answers the same data source. */
export function trackTypeOrm<Source extends DataSource>(dataSource: Source): Source {
  if (TRACKED.has(dataSource)) return dataSource;
  TRACKED.add(dataSource);
  const pending = new WeakMap<Runner, PendingChanges>();
  const pendingOf = (runner: Runner): PendingChanges => {
    const known = pending.get(runner) ?? new PendingChanges();
    pending.set(runner, known);
    return known;
  };
  const note = ({ queryRunner }: EntityEvent, change: SeenChange): void => pendingOf(queryRunner).add(seen('typeorm', change));
  // The event of an insert does not say that existing rows may have been updated instead.
  const upserting = new WeakMap<Runner, boolean>();
  dataSource.subscribers.push({
    afterQuery({ queryRunner, query }: { readonly queryRunner: Runner; readonly query: string }) {
      if (/^\s*INSERT\b/i.test(query)) upserting.set(queryRunner, UPSERTING.test(query));
    },
    afterInsert(event: EntityEvent) {
      const { row, isWhole } = rowOf(event, event.entity);
      const operation = upserting.get(event.queryRunner) === true ? 'upsert' : 'insert';
      note(event, {
        ...about(event),
        operation,
        after: row,
        isComplete: isWhole && operation === 'insert' && event.entityId !== undefined,
      });
    },
    afterUpdate: (event: EntityEvent) => note(event, { ...about(event), operation: 'update', ...updateOf(event) }),
    afterRemove(event: EntityEvent) {
      const { row, isWhole } = rowOf(event, event.databaseEntity ?? event.entity);
      note(event, { ...about(event), operation: 'delete', before: row, isComplete: isWhole });
    },
    afterSoftRemove: (event: EntityEvent) =>
      note(event, { ...about(event), operation: 'update', after: { ...event.entity }, isComplete: false }),
    afterRecover: (event: EntityEvent) =>
      note(event, { ...about(event), operation: 'update', after: { ...event.entity }, isComplete: false }),
    afterTransactionStart: ({ queryRunner }: EntityEvent) => pendingOf(queryRunner).begin(),
    afterTransactionCommit: ({ queryRunner }: EntityEvent) => pendingOf(queryRunner).commit(),
    afterTransactionRollback: ({ queryRunner }: EntityEvent) => pendingOf(queryRunner).rollback(),
  });
  const { query } = dataSource;
  dataSource.query = async (statement, parameters, runner) => {
    const result = await Reflect.apply(query, dataSource, [statement, parameters, runner]);
    const transaction = runner === undefined ? new PendingChanges() : pendingOf(runner);
    transaction.follow(statement);
    const change = rawChange(statement);
    if (change !== undefined) transaction.add(seen('typeorm', change));
    return result;
  };
  return dataSource;
}

function about({ metadata, entity, databaseEntity, entityId }: EntityEvent): Pick<SeenChange, 'table' | 'id'> {
  const known = databaseEntity ?? entity;
  const id = known === undefined ? entityId : metadata.primaryColumns.map((column) => column.getEntityValue(known)).join(',');
  return { table: metadata.tableName, id: id === '' ? entityId : id };
}

/** The database changes two columns by itself, which are not among the updated ones. */
function updateOf({ metadata, entity, databaseEntity, updatedColumns = [] }: EntityEvent): Omit<SeenChange, 'table' | 'operation'> {
  if (entity === undefined || databaseEntity === undefined) return { after: entity && { ...entity }, isComplete: false };
  const { versionColumn, updateDateColumn } = metadata;
  const columns = [...new Set([...updatedColumns, versionColumn, updateDateColumn])].filter((column) => column !== undefined);
  const pick = (row: object): Readonly<Record<string, unknown>> =>
    Object.fromEntries(columns.map((column) => [column.propertyName, column.getEntityValue(row)]));
  const [before, after] = [pick(databaseEntity), pick(entity)];
  return { before, after, isComplete: [...Object.values(before), ...Object.values(after)].every(isKnown) };
}

/** The columns of an entity: what else hangs on it are rows of their own. */
function rowOf({ metadata }: EntityEvent, entity: object | undefined): { readonly row?: object; readonly isWhole: boolean } {
  if (entity === undefined) return { isWhole: false };
  const row = Object.fromEntries(metadata.columns.map((column) => [column.propertyName, column.getEntityValue(entity)]));
  return { row, isWhole: Object.values(row).every(isKnown) };
}

/** Not an expression for the database to work out, and not left to a default there. */
function isKnown(value: unknown): boolean {
  return value !== undefined && typeof value !== 'function';
}
