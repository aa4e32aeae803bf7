/**
 * `otel-audit/orm/sequelize`: what Sequelize can see of changes, into the record of the request. For databases without triggers of
 * ours. Blind: `increment`, raw SQL; `Model.update` and `Model.destroy` are told without the rows they hit.
 */

import { type SeenChange, seen } from './seen.js';

interface Transaction {
  readonly parent?: Transaction | null;
  afterCommit(work: () => void): void;
}

interface Options {
  readonly transaction?: Transaction | null;
  readonly where?: unknown;
  readonly attributes?: unknown;
  readonly model?: Model;
}

interface Model {
  getTableName(): string | { readonly tableName: string };
  readonly primaryKeyAttributes: readonly string[];
}

interface Instance {
  readonly constructor: unknown;
  get(): Readonly<Record<string, unknown>>;
  changed(): readonly string[] | false;
  previous(): Readonly<Record<string, unknown>>;
}

interface Sequelize {
  addHook(name: string, hook: (...args: never[]) => void): unknown;
}

const TRACKED = new WeakSet<object>();

/** Twice does no harm. Answers the same instance. */
export function trackSequelize<Connection extends object>(connection: Connection): Connection {
  if (TRACKED.has(connection)) return connection;
  TRACKED.add(connection);
  const sequelize = connection as unknown as Sequelize;
  // When the hook after it runs, the instance has forgotten what it was before.
  const before = new WeakMap<Instance, { readonly before: object; readonly columns: readonly string[] }>();
  sequelize.addHook('beforeUpdate', (instance: Instance) => {
    const columns = instance.changed() || [];
    const previous = instance.previous();
    before.set(instance, { columns, before: Object.fromEntries(columns.map((column) => [column, previous[column]])) });
  });
  sequelize.addHook('afterUpdate', (instance: Instance, options: Options) => {
    const known = before.get(instance);
    const row = instance.get();
    const after = known === undefined ? row : Object.fromEntries(known.columns.map((column) => [column, row[column]]));
    note(options, { ...about(instance), operation: 'update', before: known?.before, after, isComplete: known !== undefined });
  });
  sequelize.addHook('afterCreate', (instance: Instance, options: Options) =>
    note(options, { ...about(instance), operation: 'insert', after: instance.get(), isComplete: true }),
  );
  sequelize.addHook('afterDestroy', (instance: Instance, options: Options) =>
    note(options, { ...about(instance), operation: 'delete', before: instance.get(), isComplete: true }),
  );
  sequelize.addHook('afterBulkCreate', (instances: readonly Instance[], options: Options & { readonly updateOnDuplicate?: unknown }) => {
    const isInsert = options.updateOnDuplicate === undefined;
    for (const instance of instances)
      note(options, { ...about(instance), operation: isInsert ? 'insert' : 'upsert', after: instance.get(), isComplete: isInsert });
  });
  sequelize.addHook('afterUpsert', ([instance]: readonly [Instance, boolean | null], options: Options) =>
    note(options, { ...about(instance), operation: 'upsert', after: instance.get(), isComplete: false }),
  );
  sequelize.addHook('afterBulkUpdate', (options: Options) =>
    note(options, {
      table: tableOf(options.model),
      operation: 'update',
      after: options.attributes,
      filter: options.where,
      isComplete: false,
    }),
  );
  sequelize.addHook('afterBulkDestroy', (options: Options) =>
    note(options, { table: tableOf(options.model), operation: 'delete', filter: options.where, isComplete: false }),
  );
  return connection;
}

/** An inner transaction is a savepoint: what it committed is certain when the outermost has committed. */
function note({ transaction }: Options, change: SeenChange): void {
  const certain = seen('sequelize', change);
  const after = (inner: Transaction | null | undefined): void => {
    if (inner === null || inner === undefined) certain();
    else inner.afterCommit(() => after(inner.parent));
  };
  after(transaction);
}

function about(instance: Instance): Pick<SeenChange, 'table' | 'id'> {
  const model = instance.constructor as Model;
  const row = instance.get();
  return { table: tableOf(model), id: model.primaryKeyAttributes.map((name) => String(row[name])).join(',') };
}

function tableOf(model: Model | undefined): string {
  const name = model?.getTableName() ?? 'unknown';
  return typeof name === 'string' ? name : name.tableName;
}
