/**
 * `otel-audit/orm/sequelize`: what Sequelize can see of changes, into the record of the request. For databases without triggers of
 * ours. Blind: the rows of `Model.update`, `Model.destroy`, `increment`, upserts and raw SQL, which are told without them; columns that
 * the database fills, and what it does by itself, as in cascades.
 */

import { rawChange, type SeenChange, seen } from './seen.js';

interface Transaction {
  readonly parent?: Transaction | null;
  afterCommit(work: () => void): void;
}

interface Options {
  readonly transaction?: Transaction | null;
  readonly where?: unknown;
  readonly attributes?: unknown;
  readonly model?: Model;
  /** The attributes that are saved; all, if it says nothing. */
  readonly fields?: readonly string[];
  readonly individualHooks?: boolean;
  readonly force?: boolean;
  readonly updateOnDuplicate?: unknown;
  readonly ignoreDuplicates?: boolean;
}

interface Model {
  getTableName(): string | { readonly tableName: string };
  readonly primaryKeyAttributes: readonly string[];
  /** Those that are columns. */
  readonly tableAttributes: Readonly<Record<string, unknown>>;
  readonly options: { readonly paranoid?: boolean };
}

interface Instance {
  readonly constructor: unknown;
  getDataValue(name: string): unknown;
  previous(name: string): unknown;
}

interface Sequelize {
  readonly constructor: unknown;
  addHook(name: string, hook: (...args: never[]) => void): unknown;
  query(statement: unknown, options?: QueryOptions): Promise<unknown>;
  getQueryInterface(): Record<'increment' | 'decrement', Increment>;
}

interface QueryOptions {
  readonly transaction?: Transaction | null;
  readonly model?: unknown;
  readonly instance?: unknown;
  readonly type?: unknown;
}

type Increment = (model: Model, table: unknown, where: unknown, amounts: unknown, extra: unknown, options: Options) => Promise<unknown>;
type Values = Readonly<Record<string, unknown>>;

const TRACKED = new WeakSet<object>();

/** Twice does no harm. Answers the same instance. */
export function trackSequelize<Connection extends object>(connection: Connection): Connection {
  if (TRACKED.has(connection)) return connection;
  TRACKED.add(connection);
  const sequelize = connection as unknown as Sequelize;
  trackInstances(sequelize);
  trackBulk(sequelize);
  trackStatements(sequelize);
  return connection;
}

function trackInstances(sequelize: Sequelize): void {
  // When the hook after it runs, the instance has forgotten what it was before.
  const earlier = new WeakMap<Instance, Values>();
  sequelize.addHook('beforeUpdate', (instance: Instance) => {
    earlier.set(
      instance,
      valuesOf(instance, (name) => instance.previous(name)),
    );
  });
  sequelize.addHook('afterUpdate', (instance: Instance, options: Options) => {
    const [was, row] = [earlier.get(instance) ?? {}, rowOf(instance)];
    const { fields = Object.keys(row) } = options;
    const columns = fields.filter((name) => name in row && !isSame(was[name], row[name]));
    const pick = (values: Values): Values => Object.fromEntries(columns.map((name) => [name, values[name]]));
    const isComplete = columns.every((name) => isKnown(was[name]) && isKnown(row[name]));
    note(options, { ...about(instance), operation: 'update', before: pick(was), after: pick(row), isComplete });
  });
  sequelize.addHook('afterCreate', (instance: Instance, options: Options) =>
    note(options, { ...about(instance), operation: 'insert', after: rowOf(instance), isComplete: isWhole(instance, options) }),
  );
  sequelize.addHook('afterDestroy', (instance: Instance, options: Options) => {
    const row = rowOf(instance);
    if (isSoft(instance.constructor as Model, options))
      return note(options, { ...about(instance), operation: 'update', after: row, isComplete: false });
    note(options, { ...about(instance), operation: 'delete', before: row, isComplete: isWhole(instance) });
  });
  sequelize.addHook('afterRestore', (instance: Instance, options: Options) =>
    note(options, { ...about(instance), operation: 'update', after: rowOf(instance), isComplete: false }),
  );
  sequelize.addHook('afterUpsert', ([instance]: readonly [Instance, boolean | null], options: Options) =>
    note(options, { ...about(instance), operation: 'upsert', after: rowOf(instance), isComplete: false }),
  );
}

function trackBulk(sequelize: Sequelize): void {
  const bulk = (options: Options, operation: SeenChange['operation'], after?: unknown): void => {
    // Then each instance is told by itself.
    if (options.individualHooks === true) return;
    note(options, { table: tableOf(options.model), operation, after, filter: options.where, isComplete: false });
  };
  sequelize.addHook('afterBulkCreate', (instances: readonly Instance[], options: Options) => {
    if (options.individualHooks === true) return;
    const mayUpdate = options.updateOnDuplicate !== undefined;
    for (const instance of instances) {
      const isComplete = !mayUpdate && options.ignoreDuplicates !== true && isWhole(instance, options);
      note(options, { ...about(instance), operation: mayUpdate ? 'upsert' : 'insert', after: rowOf(instance), isComplete });
    }
  });
  sequelize.addHook('afterBulkUpdate', (options: Options) => bulk(options, 'update', options.attributes));
  sequelize.addHook('afterBulkDestroy', (options: Options) => bulk(options, isSoft(options.model, options) ? 'update' : 'delete'));
  sequelize.addHook('afterBulkRestore', (options: Options) => bulk(options, 'update'));
}

/** What no hook of Sequelize tells. */
function trackStatements(sequelize: Sequelize): void {
  const queries = sequelize.getQueryInterface();
  // `Sequelize.useCLS`: Sequelize itself looks there only after us.
  const within = ({ transaction }: QueryOptions): Pick<Options, 'transaction'> => {
    const { _cls: current } = sequelize.constructor as { readonly _cls?: { get(name: string): Transaction | undefined } };
    return { transaction: transaction === undefined ? (current?.get('transaction') ?? null) : transaction };
  };
  for (const direction of ['increment', 'decrement'] as const) {
    const increment = queries[direction];
    queries[direction] = async (model, table, where, amounts, extra, options) => {
      const result = await Reflect.apply(increment, queries, [model, table, where, amounts, extra, options]);
      note(within(options), {
        table: tableOf(model),
        operation: 'update',
        after: { [direction]: amounts },
        filter: where,
        isComplete: false,
      });
      return result;
    };
  }
  const { query } = sequelize;
  sequelize.query = async (statement, options = {}) => {
    const result = await Reflect.apply(query, sequelize, [statement, options]);
    // Sequelize's own come with a model, an instance or a type.
    if (options.model !== undefined || options.instance !== undefined) return result;
    const text = typeof statement === 'string' ? statement : (statement as { readonly query?: unknown } | null)?.query;
    const change = rawChange(typeof text === 'string' ? text : undefined);
    if (change !== undefined) note(within(options), change);
    return result;
  };
}

/** An inner transaction is a savepoint: what it committed is certain when the outermost has committed. */
function note({ transaction }: Pick<Options, 'transaction'>, change: SeenChange): void {
  const certain = seen('sequelize', change);
  const after = (inner: Transaction | null | undefined): void => {
    if (inner === null || inner === undefined) certain();
    else inner.afterCommit(() => after(inner.parent));
  };
  after(transaction);
}

function about(instance: Instance): Pick<SeenChange, 'table' | 'id'> {
  const model = instance.constructor as Model;
  return { table: tableOf(model), id: model.primaryKeyAttributes.map((name) => String(instance.getDataValue(name))).join(',') };
}

function tableOf(model: Model | undefined): string {
  const name = model?.getTableName() ?? 'unknown';
  return typeof name === 'string' ? name : name.tableName;
}

/** A row of a model with `paranoid` is marked, not deleted. */
function isSoft(model: Model | undefined, { force = false }: Options): boolean {
  return model?.options.paranoid === true && !force;
}

/** What is stored, which a getter may show otherwise, and of a join only the row itself. */
function rowOf(instance: Instance): Values {
  return valuesOf(instance, (name) => instance.getDataValue(name));
}

function valuesOf(instance: Instance, value: (name: string) => unknown): Values {
  return Object.fromEntries(Object.keys((instance.constructor as Model).tableAttributes).map((name) => [name, value(name)]));
}

function isWhole(instance: Instance, { fields }: Options = {}): boolean {
  return Object.entries(rowOf(instance)).every(([name, value]) => isKnown(value) && fields?.includes(name) !== false);
}

/** Not left to the database: neither to a default of its own nor, as `literal()` and `fn()`, to be worked out there. */
function isKnown(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return value !== undefined;
  return value instanceof Date || Buffer.isBuffer(value) || Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}

function isSame(one: unknown, other: unknown): boolean {
  return one === other || (one !== undefined && JSON.stringify(one) === JSON.stringify(other));
}
