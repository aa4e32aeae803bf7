/**
 * `otel-audit/orm/drizzle`: what Drizzle can see of changes, into the record of the request. For databases without triggers of ours.
 * Drizzle sees no rows: each change is told as its statement without parameters, with the number of rows where the driver says it.
 * Blind: `batch`, and what goes to the driver directly.
 */

import { PendingChanges, rawChange, type SeenChange, seen } from './seen.js';

type Write = 'insert' | 'update' | 'delete';
const WRITES: Readonly<Record<string, Write>> = { insert: 'insert', update: 'update', delete: 'delete' };
const RAW: ReadonlySet<PropertyKey> = new Set(['execute', 'run', 'all', 'get', 'values']);
const RUNS: ReadonlySet<PropertyKey> = new Set(['execute', 'run', 'all', 'get']);
// `db.transaction` of a database of its kind: what a table's name is kept under.
const TABLE_NAME = Symbol.for('drizzle:Name');

/** `const db = trackDrizzle(drizzle(…))`: the database to use from then on, of the same type. */
export function trackDrizzle<Database extends object>(database: Database): Database {
  return tracked(database, new PendingChanges());
}

function tracked<Database extends object>(database: Database, pending: PendingChanges): Database {
  return new Proxy(database, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      const write = typeof name === 'string' ? WRITES[name] : undefined;
      if (write !== undefined) {
        return (table: object, ...rest: readonly unknown[]) =>
          builder(Reflect.apply(value, target, [table, ...rest]) as object, { table: tableOf(table), operation: write }, pending);
      }
      if (name === 'transaction') return transaction(value as Transaction, target, pending);
      if (name === 'with') return (...args: readonly unknown[]) => tracked(Reflect.apply(value, target, args) as object, pending);
      if (!RAW.has(name)) return value.bind(target);
      return (...args: readonly unknown[]) => {
        const text = typeof args[0] === 'string' ? args[0] : sqlOf(args[0], target);
        const change = (): SeenChange | undefined => {
          pending.follow(text);
          return rawChange(text);
        };
        return done(Reflect.apply(value, target, args), change, pending);
      };
    },
  });
}

type About = Pick<SeenChange, 'table' | 'operation'>;
type Transaction = (work: (inner: object) => unknown, ...rest: readonly unknown[]) => unknown;

/** Each step answers a builder again, until one runs it. */
function builder(query: object, about: About, pending: PendingChanges): object {
  const statement = (): SeenChange => ({ ...about, statement: sqlOf(query), isComplete: false });
  return new Proxy(query, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (name === 'then') {
        return (resolve: (result: unknown) => unknown, reject: (error: unknown) => unknown) =>
          (done(Reflect.apply(value, target, []), statement, pending) as Promise<unknown>).then(resolve, reject);
      }
      if (name === 'prepare')
        return (...args: readonly unknown[]) => prepared(Reflect.apply(value, target, args) as object, statement(), pending);
      return (...args: readonly unknown[]) => {
        const result: unknown = Reflect.apply(value, target, args);
        if (RUNS.has(name)) return done(result, statement, pending);
        return typeof result === 'object' && result !== null && 'toSQL' in result ? builder(result, about, pending) : result;
      };
    },
  });
}

/** Told at each of its runs. */
function prepared(query: object, change: SeenChange, pending: PendingChanges): object {
  return new Proxy(query, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (!RUNS.has(name)) return value.bind(target);
      return (...args: readonly unknown[]) => done(Reflect.apply(value, target, args), () => change, pending);
    },
  });
}

/** Synchronous drivers answer at once, others later; what fails has changed nothing. */
function done(result: unknown, change: () => SeenChange | undefined, pending: PendingChanges): unknown {
  const note = (answer: unknown): unknown => {
    const noted = change();
    if (noted !== undefined) pending.add(seen('drizzle', { ...noted, count: countOf(answer) }));
    return answer;
  };
  return isThenable(result) ? Promise.resolve(result).then(note) : note(result);
}

function transaction(begin: Transaction, target: object, outer: PendingChanges): Transaction {
  return (work, ...rest) => {
    const pending = new PendingChanges();
    pending.begin();
    const certain = (result: unknown): unknown => {
      outer.add(() => pending.commit());
      return result;
    };
    const result = Reflect.apply(begin, target, [(inner: object) => work(tracked(inner, pending)), ...rest]) as unknown;
    return isThenable(result) ? Promise.resolve(result).then(certain) : certain(result);
  };
}

/** Of a builder, or of an `sql` template by the database's own dialect. */
function sqlOf(query: unknown, database?: object): string | undefined {
  try {
    const { toSQL } = query as { toSQL?: () => { readonly sql: string } };
    if (typeof toSQL === 'function') return toSQL.call(query).sql;
    const { dialect } = database as { readonly dialect?: { sqlToQuery(query: unknown): { readonly sql: string } } };
    return dialect?.sqlToQuery(query).sql;
  } catch {
    return undefined;
  }
}

function countOf(answer: unknown): unknown {
  if (Array.isArray(answer)) {
    // MySQL's drivers answer the outcome and the columns; others the rows of RETURNING.
    const [first] = answer as readonly unknown[];
    return (first as { readonly affectedRows?: unknown } | null | undefined)?.affectedRows ?? (answer.length || undefined);
  }
  const { rowCount, rowsAffected, affectedRows, changes } = (answer ?? {}) as Readonly<Record<string, unknown>>;
  return rowCount ?? rowsAffected ?? affectedRows ?? changes;
}

function tableOf(table: object): string {
  return String((table as Readonly<Record<symbol, unknown>>)[TABLE_NAME] ?? 'unknown');
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
