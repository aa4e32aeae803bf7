/**
 * Lets every connection of the `postgres` package (3.4) carry the context of the request whose statement it runs: written ahead of
 * the statement on the same connection, as a parameter, with an end of its own.
 *
 * Connections show themselves only to a query that runs on them (`onexecute`). So until all are known, a query of the pool
 * is led by an empty one, which introduces its connection and hands the query to it.
 */

import type { Carrier } from './carrier.js';
import { PROBE_SQL, SESSION_SQL, TRANSACTION_SQL } from './database-state.js';
import { readStatement } from './statement.js';

interface Query {
  readonly strings: readonly string[];
  readonly options: { simple?: boolean; onexecute?: (connection: Connection) => unknown };
  readonly tagged?: boolean;
  handler: (query: Query) => unknown;
  parameters?: readonly unknown[];
  executed: boolean;
  resolve(value: unknown): void;
  reject(error: unknown): void;
  handle(): Promise<void>;
  catch(onError: (error: unknown) => void): unknown;
}

type QueryClass = new (
  strings: readonly string[],
  args: readonly unknown[],
  handler: unknown,
  canceller: unknown,
  options: object,
) => Query;

interface Connection {
  execute(query: Query): unknown;
  connect(query: Query): unknown;
}

interface SqlOptions {
  readonly host: readonly string[];
  readonly port: readonly number[];
  readonly database: string;
  readonly max: number;
}

/** What `postgres()` answers, as far as contexts need it. */
export interface PostgresSql {
  (strings: TemplateStringsArray): unknown;
  readonly options: SqlOptions;
  reserve(): Promise<PostgresSql & { unsafe(text: string, args: readonly unknown[], options: object): PromiseLike<unknown> }>;
}

const CARRIED = Symbol.for('otel-audit.postgres-context');
const EMPTY = Object.assign([''], { raw: [''] }) as unknown as TemplateStringsArray;

interface Pool {
  readonly options: SqlOptions;
  readonly known: Set<Connection>;
}

interface Tag {
  readonly wanted: string;
  readonly pool: Pool | undefined;
}

/** Idempotent. Answers the same `sql`. */
export function carryInPostgresJs<Sql extends PostgresSql>(sql: Sql, carrier: Carrier): Sql {
  const sample = sql(EMPTY) as Query;
  const prototype = Object.getPrototypeOf(sample) as Query & { [CARRIED]?: Patched };
  const patched = prototype[CARRIED] ?? patchQueries(prototype, carrier);
  if (!patched.pools.has(sample.handler)) {
    const pool: Pool = { options: sql.options, known: new Set() };
    patched.pools.set(sample.handler, pool);
    // A reserved connection has a handler of its own: it is introduced before the service gets it.
    const { reserve } = sql;
    Object.assign(sql, {
      async reserve() {
        const reserved = await reserve();
        await reserved.unsafe('', [], { onexecute: (connection: Connection) => patched.introduce(connection, pool) });
        return reserved;
      },
    });
  }
  return sql;
}

interface Patched {
  readonly pools: WeakMap<object, Pool>;
  introduce(connection: Connection, pool: Pool): true;
}

function patchQueries(prototype: Query & { [CARRIED]?: Patched }, carrier: Carrier): Patched {
  const OwnQuery = prototype.constructor as unknown as QueryClass;
  const pools = new WeakMap<object, Pool>();
  const tags = new WeakMap<Query, Tag>();
  const connections = new WeakMap<Connection, { current: string | undefined; isInTransaction: boolean }>();
  const { handle } = prototype;

  // In the caller's own context: a queued query is sent from within somebody else's.
  prototype.handle = function auditedHandle(this: Query): Promise<void> {
    if (!this.executed && !tags.has(this)) {
      const pool = pools.get(this.handler);
      tags.set(this, { wanted: carrier.contextNow(), pool });
      if (pool !== undefined && pool.known.size < pool.options.max) this.handler = led(this.handler, pool);
    }
    return Reflect.apply(handle, this, []);
  };

  /** The empty query goes where the pool sends it, and the query after it. */
  function led(handler: Query['handler'], pool: Pool): Query['handler'] {
    return (query) => handler(leaderOf(query, pool, handler));
  }

  function leaderOf(query: Query, pool: Pool, handler: Query['handler']): Query {
    let isHandedOver = false;
    const onexecute = (connection: Connection): unknown => {
      isHandedOver = true;
      introduce(connection, pool);
      return connection.execute(query);
    };
    const leader = own('', { simple: true, onexecute });
    leader.reject = (error) => {
      if (!isHandedOver) query.reject(error);
    };
    // A connection with a full pipe introduces itself to nobody.
    leader.resolve = () => {
      if (!isHandedOver) handler(query);
    };
    return leader;
  }

  function introduce(connection: Connection, pool: Pool): true {
    if (connections.has(connection)) return true;
    const held: { current: string | undefined; isInTransaction: boolean } = { current: '', isInTransaction: false };
    connections.set(connection, held);
    pool.known.add(connection);
    const { execute, connect } = connection;
    const key = `${pool.options.host[0]}:${pool.options.port[0]}/${pool.options.database}`;

    connection.execute = (query) => {
      const wanted = tags.get(query)?.wanted;
      if (wanted === undefined) return execute(query);
      if (wanted !== '' && !held.isInTransaction && carrier.databases.get(key) === undefined) return probeThen(query, wanted);
      ahead(query, wanted);
      return execute(query);
    };
    // A connection made anew carries nothing, and runs its first query by itself, past `execute`.
    connection.connect = (query) => {
      held.current = '';
      held.isInTransaction = false;
      return connect(tags.get(query)?.wanted ? leaderOf(query, pool, connection.execute) : query);
    };

    function ahead(query: Query, wanted: string): void {
      const statement = readStatement(query.strings.join('$1'));
      const { current } = held;
      if (statement.mayReset) held.current = undefined;
      if (statement.kind === 'control') return followTransaction(query);
      const state = carrier.databases.get(key);
      if (state?.isTracked !== true) return;
      const isLocal = carrier.mode === 'transaction' || (carrier.mode === 'auto' && state.isPooled);
      if (isLocal && !held.isInTransaction) {
        if (wanted !== '') carrier.onUncarried('a driver that cannot carry one there');
        return;
      }
      if (current === wanted) return;
      const context = own(isLocal ? TRANSACTION_SQL : SESSION_SQL, {}, [wanted]);
      execute(context);
      if (!statement.mayReset) held.current = wanted;
    }

    function followTransaction({ strings: [text = ''] }: Query): void {
      if (/^\s*(?:begin|start)\b/i.test(text)) held.isInTransaction = true;
      else if (/^\s*(?:commit|end|abort|rollback(?!\s+(?:\w+\s+)?to\b))\b/i.test(text)) held.isInTransaction = false;
    }

    /** The query follows the answer at once, before the connection counts as free. */
    function probeThen(query: Query, wanted: string): false {
      const question = own(PROBE_SQL, {});
      const go = (): void => {
        ahead(query, wanted);
        execute(query);
      };
      question.resolve = (rows) => {
        const [row] = rows as readonly { readonly pg_backend_pid: number }[];
        const { state } = question as unknown as { readonly state: { readonly pid: number } };
        carrier.databases.set(key, { isTracked: row !== undefined, isPooled: row !== undefined && row.pg_backend_pid !== state.pid });
        go();
      };
      question.reject = () => {
        carrier.databases.set(key, { isTracked: false, isPooled: false });
        go();
      };
      execute(question);
      return false;
    }
    return true;
  }

  /** A query of our own; with its parameters set it needs no round trip to learn their types. */
  function own(text: string, options: object, parameters?: readonly string[]): Query {
    const query = new OwnQuery([text], [], () => undefined, null, { prepare: false, ...options });
    if (parameters !== undefined) query.parameters = parameters;
    query.reject = () => undefined;
    query.resolve = () => undefined;
    query.executed = true;
    return query;
  }

  const patched: Patched = { pools, introduce };
  Object.defineProperty(prototype, CARRIED, { value: patched });
  return patched;
}
