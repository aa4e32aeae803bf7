/**
 * `otel-audit/orm/prisma`: what Prisma can see of changes, into the record of the request. For databases without triggers of ours.
 * Blind: the rows of `updateMany` and `deleteMany`, nested writes (told as part of the data), values before an update, what the database
 * does by itself, as in cascades.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { PendingChanges, rawChange, type SeenChange, seen } from './seen.js';

interface Call {
  readonly model?: string;
  readonly operation: string;
  readonly args: Arguments;
  query(args: unknown): Promise<unknown>;
}

interface Arguments {
  readonly where?: unknown;
  readonly data?: unknown;
  readonly create?: unknown;
  readonly update?: unknown;
}

interface PrismaLike {
  $extends(extension: unknown): object;
  $transaction(...args: never[]): Promise<unknown>;
  /** Prisma's own; without it nothing is told as complete. */
  readonly _runtimeDataModel?: { readonly models?: Readonly<Record<string, Model>> };
}

interface Model {
  readonly dbName?: string | null;
  readonly fields: readonly { readonly name: string; readonly kind: string }[];
}

const OPERATIONS: Readonly<Record<string, SeenChange['operation']>> = {
  create: 'insert',
  createMany: 'insert',
  createManyAndReturn: 'insert',
  update: 'update',
  updateMany: 'update',
  updateManyAndReturn: 'update',
  upsert: 'upsert',
  delete: 'delete',
  deleteMany: 'delete',
  $executeRaw: 'raw',
  $executeRawUnsafe: 'raw',
  $queryRaw: 'raw',
  $queryRawUnsafe: 'raw',
};

type Transactions = AsyncLocalStorage<PendingChanges>;

/** `const db = trackPrisma(new PrismaClient(…))`: the client to use from then on, of the same type. */
export function trackPrisma<Client extends PrismaLike>(client: Client): Client {
  const transactions: Transactions = new AsyncLocalStorage();
  const models = client._runtimeDataModel?.models ?? {};
  const extended = client.$extends({
    name: 'otel-audit',
    query: {
      async $allOperations({ model, operation, args, query }: Call): Promise<unknown> {
        const kind = OPERATIONS[operation];
        if (kind === undefined) return query(args);
        const result = await query(args);
        const pending = transactions.getStore() ?? new PendingChanges();
        const change =
          kind === 'raw' ? rawOf(operation, args, result, pending) : changeOf(model ?? '', models, { kind, operation, args, result });
        if (change !== undefined) pending.add(seen('prisma', change));
        return result;
      },
    },
  });
  return tracked(extended, transactions) as unknown as Client;
}

/** With its transactions, those within them, and those of what it is extended to. */
function tracked(client: object, transactions: Transactions): object {
  return new Proxy(client, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (name === '$extends') return (...args: readonly unknown[]) => tracked(Reflect.apply(value, target, args) as object, transactions);
      if (name !== '$transaction') return value;
      return async (work: unknown, ...rest: readonly unknown[]): Promise<unknown> => {
        const [outer, pending] = [transactions.getStore(), new PendingChanges()];
        pending.begin();
        const inner = typeof work === 'function' ? (own: object): unknown => work(tracked(own, transactions)) : work;
        // Rejected: it was rolled back, and with it what was seen.
        const result: unknown = await transactions.run(pending, () => Reflect.apply(value, target, [inner, ...rest]));
        if (outer === undefined) pending.commit();
        else outer.add(() => pending.commit());
        return result;
      };
    },
  });
}

function rawOf(operation: string, args: unknown, result: unknown, pending: PendingChanges): SeenChange | undefined {
  const statement = statementOf(args);
  pending.follow(statement);
  return rawChange(statement, operation.startsWith('$execute') ? result : undefined);
}

interface Done {
  readonly kind: SeenChange['operation'];
  readonly operation: string;
  readonly args: Arguments;
  readonly result: unknown;
}

function changeOf(name: string, models: Readonly<Record<string, Model>>, { kind, operation, args, result }: Done): SeenChange {
  const about = { table: models[name]?.dbName ?? name, operation: kind };
  if (operation.includes('Many')) {
    const count = (result as { readonly count?: unknown } | null)?.count ?? (Array.isArray(result) ? result.length : undefined);
    return { ...about, after: args.data, filter: args.where, count, isComplete: false };
  }
  const id = (result as { readonly id?: unknown } | null)?.id;
  const row = wholeRow(result, models[name]);
  if (kind === 'delete') return { ...about, id, before: row ?? result, filter: args.where, isComplete: row !== undefined };
  if (kind === 'insert') {
    const isAll = row !== undefined && !hasNested(args.data, models[name]);
    return { ...about, id, after: isAll ? row : args.data, isComplete: isAll };
  }
  const after = kind === 'upsert' ? { create: args.create, update: args.update } : args.data;
  return { ...about, id, after, filter: args.where, isComplete: false };
}

/** Undefined where `select` or `omit` left a column out. */
function wholeRow(result: unknown, model: Model | undefined): object | undefined {
  const columns = model?.fields.filter(({ kind }) => kind !== 'object').map(({ name }) => name);
  if (columns === undefined || typeof result !== 'object' || result === null) return undefined;
  const row = result as Readonly<Record<string, unknown>>;
  return columns.every((name) => row[name] !== undefined) ? Object.fromEntries(columns.map((name) => [name, row[name]])) : undefined;
}

/** Rows of other tables. */
function hasNested(data: unknown, model: Model | undefined): boolean {
  return model?.fields.some(({ name, kind }) => kind === 'object' && Object.hasOwn((data ?? {}) as object, name)) === true;
}

/** The text of a tagged template or of a string; never its parameters. */
function statementOf(args: unknown): string | undefined {
  const [first] = Array.isArray(args) ? (args as readonly unknown[]) : [args];
  if (typeof first === 'string') return first;
  const { sql, strings } = (first ?? {}) as { readonly sql?: unknown; readonly strings?: readonly string[] };
  return typeof sql === 'string' ? sql : strings?.join('?');
}
