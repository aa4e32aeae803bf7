/**
 * `otel-audit/orm/mongoose`: what Mongoose can see of changes, into the record of the request. A plugin, so it comes before models are
 * made. Blind: `bulkWrite`, `insertMany` with `lean` or `rawResult`, and what goes to a collection directly; `updateMany` and others are
 * told without the documents they hit, and what was loaded in part is told in part.
 */

import { type Certain, type SeenChange, seen } from './seen.js';

interface Session {
  inTransaction(): boolean;
  startTransaction(...args: readonly unknown[]): unknown;
  commitTransaction(...args: readonly unknown[]): Promise<unknown>;
  abortTransaction(...args: readonly unknown[]): Promise<unknown>;
}

interface Document {
  readonly _id: unknown;
  readonly collection: { readonly name: string };
  readonly isNew: boolean;
  modifiedPaths(): readonly string[];
  isSelected(path: string): boolean;
  get(path: string): unknown;
  toObject(): object;
  $session(): Session | null | undefined;
}

interface Query {
  readonly model: { readonly collection: { readonly name: string } };
  readonly op: string;
  getFilter(): unknown;
  getUpdate(): unknown;
  getOptions(): { readonly session?: Session | null };
}

interface Schema {
  readonly paths: Readonly<Record<string, unknown>>;
  pre(name: string | readonly string[], options: object, hook: (this: never) => void): unknown;
  post(name: string | readonly string[], options: object, hook: (this: never, result: never) => void): unknown;
}

interface MongooseLike {
  plugin(plugin: (schema: never) => void): unknown;
}

const QUERIES = [
  'updateOne',
  'updateMany',
  'replaceOne',
  'findOneAndUpdate',
  'findOneAndReplace',
  'deleteOne',
  'deleteMany',
  'findOneAndDelete',
];
const ON_QUERY = { query: true, document: false };
const ON_DOCUMENT = { query: false, document: true };

/** `trackMongoose(mongoose)`, before the first model is made. */
export function trackMongoose(mongoose: MongooseLike): void {
  mongoose.plugin(auditPlugin as (schema: never) => void);
}

/** For one schema only: `schema.plugin(auditPlugin)`. */
export function auditPlugin(schema: Schema): void {
  const loaded = new WeakMap<Document, Readonly<Record<string, unknown>>>();
  const saving = new WeakMap<Document, { readonly isNew: boolean; readonly paths: readonly string[] }>();
  const isWhole = (document: Document): boolean => Object.keys(schema.paths).every((path) => document.isSelected(path));
  schema.post('init', ON_DOCUMENT, function (this: Document) {
    loaded.set(this, structuredCopy(this));
  });
  schema.pre('save', ON_DOCUMENT, function (this: Document) {
    saving.set(this, { isNew: this.isNew, paths: [...this.modifiedPaths()] });
  });
  schema.post('save', ON_DOCUMENT, function (this: Document) {
    const { isNew = false, paths = [] } = saving.get(this) ?? {};
    const before = loaded.get(this);
    const change = isNew
      ? { operation: 'insert' as const, after: this.toObject(), isComplete: true }
      : {
          operation: 'update' as const,
          before: before && Object.fromEntries(paths.map((path) => [path, valueAt(before, path)])),
          after: Object.fromEntries(paths.map((path) => [path, this.get(path)])),
          isComplete: before !== undefined && paths.every((path) => this.isSelected(path)),
        };
    note(this.$session(), { table: this.collection.name, id: String(this._id), ...change });
    loaded.set(this, structuredCopy(this));
  });
  schema.post('deleteOne', ON_DOCUMENT, function (this: Document) {
    note(this.$session(), {
      table: this.collection.name,
      operation: 'delete',
      id: String(this._id),
      before: this.toObject(),
      isComplete: isWhole(this),
    });
  });
  schema.post('insertMany', {}, function (this: { readonly collection: { readonly name: string } }, result: unknown) {
    // Without documents nothing says in which session they were inserted: they may be rolled back.
    const documents = Array.isArray(result) ? (result as readonly Document[]) : [];
    for (const document of documents.filter(({ $session }) => typeof $session === 'function')) {
      note(document.$session(), {
        table: this.collection.name,
        operation: 'insert',
        id: String(document._id),
        after: document,
        isComplete: true,
      });
    }
  });
  schema.post(
    QUERIES,
    ON_QUERY,
    function (this: Query, result: { readonly modifiedCount?: number; readonly deletedCount?: number } | null) {
      const isDelete = /delete/i.test(this.op);
      note(this.getOptions().session, {
        table: this.model.collection.name,
        operation: isDelete ? 'delete' : 'update',
        filter: this.getFilter(),
        after: isDelete ? undefined : this.getUpdate(),
        count: result?.modifiedCount ?? result?.deletedCount ?? (result === null ? 0 : 1),
        isComplete: false,
      });
    },
  );
}

const inTransaction = new WeakMap<Session, Certain[]>();

/** A session has no event for its commit, so its own methods are wrapped, once. */
function note(session: Session | null | undefined, change: SeenChange): void {
  const certain = seen('mongoose', change);
  if (session?.inTransaction() !== true) return certain();
  const waiting = inTransaction.get(session);
  if (waiting !== undefined) {
    waiting.push(certain);
    return;
  }
  const first = [certain];
  inTransaction.set(session, first);
  const { startTransaction, commitTransaction, abortTransaction } = session;
  // What is tried again begins anew: its commitment had failed.
  session.startTransaction = (...args) => {
    first.length = 0;
    return Reflect.apply(startTransaction, session, args);
  };
  session.commitTransaction = async (...args) => {
    const result = await Reflect.apply(commitTransaction, session, args);
    for (const change of first.splice(0)) change();
    return result;
  };
  session.abortTransaction = async (...args) => {
    first.length = 0;
    return Reflect.apply(abortTransaction, session, args);
  };
}

function structuredCopy(document: Document): Readonly<Record<string, unknown>> {
  return JSON.parse(JSON.stringify(document.toObject())) as Readonly<Record<string, unknown>>;
}

function valueAt(row: Readonly<Record<string, unknown>>, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => (value as Readonly<Record<string, unknown>> | undefined)?.[name], row);
}
