/**
 * `otel-audit/orm/typeorm`: what TypeORM can see of changes, into the record of the request. For databases without triggers of ours.
 * Blind: raw SQL and query builders' rows; `update()`, `delete()` and `upsert()` are told without the rows they hit.
 */

import { type Certain, PendingChanges, type SeenChange, seen } from './seen.js';

interface Runner {
  readonly isTransactionActive: boolean;
}

interface EntityEvent {
  readonly queryRunner: Runner;
  readonly metadata: {
    readonly tableName: string;
    readonly primaryColumns: readonly Column[];
    getEntityIdMap?(entity: object): object | undefined;
  };
  readonly entity?: object | undefined;
  readonly databaseEntity?: object | undefined;
  readonly entityId?: unknown;
  readonly updatedColumns?: readonly Column[];
}

interface Column {
  readonly propertyName: string;
  getEntityValue(entity: object): unknown;
}

interface DataSource {
  readonly subscribers: unknown[];
}

const TRACKED = new WeakSet<object>();

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
  const note = ({ queryRunner }: EntityEvent, change: SeenChange): void => {
    const certain: Certain = seen('typeorm', change);
    pendingOf(queryRunner).add(certain);
  };
  dataSource.subscribers.push({
    afterInsert: (event: EntityEvent) =>
      note(event, { ...about(event), operation: 'insert', after: rowOf(event.entity), isComplete: event.entity !== undefined }),
    afterUpdate(event: EntityEvent) {
      const { entity, databaseEntity, updatedColumns = [] } = event;
      const isKnown = entity !== undefined && databaseEntity !== undefined;
      const pick = (row: object): object =>
        Object.fromEntries(updatedColumns.map((column) => [column.propertyName, column.getEntityValue(row)]));
      note(event, {
        ...about(event),
        operation: 'update',
        before: isKnown ? pick(databaseEntity) : undefined,
        after: isKnown ? pick(entity) : rowOf(entity),
        isComplete: isKnown,
      });
    },
    afterRemove: (event: EntityEvent) =>
      note(event, {
        ...about(event),
        operation: 'delete',
        before: rowOf(event.databaseEntity ?? event.entity),
        isComplete: (event.databaseEntity ?? event.entity) !== undefined,
      }),
    afterTransactionStart: ({ queryRunner }: EntityEvent) => pendingOf(queryRunner).begin(),
    afterTransactionCommit: ({ queryRunner }: EntityEvent) => pendingOf(queryRunner).commit(),
    afterTransactionRollback: ({ queryRunner }: EntityEvent) => pendingOf(queryRunner).rollback(),
  });
  return dataSource;
}

function about({ metadata, entity, databaseEntity, entityId }: EntityEvent): Pick<SeenChange, 'table' | 'id'> {
  const known = entity ?? databaseEntity;
  const id = known === undefined ? entityId : metadata.primaryColumns.map((column) => column.getEntityValue(known)).join(',');
  return { table: metadata.tableName, id: id === '' ? entityId : id };
}

function rowOf(entity: object | undefined): object | undefined {
  return entity && { ...entity };
}
