/**
 * `otel-audit/orm/prisma`: what Prisma can see of changes, into the record of the request. For databases without triggers of ours.
 * Blind: the rows of `updateMany` and `deleteMany`, nested writes (told as part of the data), values before an update.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { PendingChanges, type SeenChange, seen } from './seen.js';

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
};

/** `const db = trackPrisma(new PrismaClient(…))`: the client to use from then on, of the same type. */
export function trackPrisma<Client extends PrismaLike>(client: Client): Client {
  const transactions = new AsyncLocalStorage<PendingChanges>();
  const extended = client.$extends({
    name: 'otel-audit',
    query: {
      async $allOperations({ model, operation, args, query }: Call): Promise<unknown> {
        const kind = OPERATIONS[operation];
        if (kind === undefined) return query(args);
        const result = await query(args);
        const certain = seen('prisma', changeOf(model ?? 'raw', kind, operation, args, result));
        const pending = transactions.getStore();
        if (pending === undefined) certain();
        else pending.add(certain);
        return result;
      },
    },
  });
  return new Proxy(extended, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name !== '$transaction' || typeof value !== 'function') return value;
      return async (...args: readonly unknown[]): Promise<unknown> => {
        const pending = new PendingChanges();
        pending.begin();
        // Rejected: it was rolled back, and with it what was seen.
        const result: unknown = await transactions.run(pending, () => Reflect.apply(value, target, args));
        pending.commit();
        return result;
      };
    },
  }) as unknown as Client;
}

function changeOf(table: string, kind: SeenChange['operation'], operation: string, args: Arguments, result: unknown): SeenChange {
  if (kind === 'raw') return { table, operation: kind, statement: statementOf(args), count: result, isComplete: false };
  const isMany = operation.includes('Many');
  const count = isMany
    ? ((result as { readonly count?: unknown } | null)?.count ?? (Array.isArray(result) ? result.length : undefined))
    : undefined;
  const id = isMany ? undefined : (result as { readonly id?: unknown } | null)?.id;
  if (kind === 'insert') return { table, operation: kind, id, after: isMany ? args.data : result, count, isComplete: !isMany };
  if (kind === 'delete')
    return { table, operation: kind, id, before: isMany ? undefined : result, filter: args.where, count, isComplete: !isMany };
  const after = kind === 'upsert' ? { create: args.create, update: args.update } : args.data;
  return { table, operation: kind, id, after, filter: args.where, count, isComplete: false };
}

/** The text of a tagged template or of a string; never its parameters. */
function statementOf(args: unknown): string | undefined {
  const [first] = Array.isArray(args) ? (args as readonly unknown[]) : [args];
  if (typeof first === 'string') return first;
  const { sql, strings } = (first ?? {}) as { readonly sql?: unknown; readonly strings?: readonly string[] };
  return typeof sql === 'string' ? sql : strings?.join('?');
}
