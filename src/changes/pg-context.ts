/**
 * Lets every connection of the `pg` package carry the context of the request whose statement it runs. The context goes ahead of
 * the statement in the same write, as a parameter; the service's query object, its result and its errors stay its own.
 */

import { AsyncResource } from 'node:async_hooks';
import type { Carrier } from './carrier.js';
import { PROBE_SQL, SESSION_SQL, TRANSACTION_SQL } from './database-state.js';
import { databaseOf, isServerError, type PgClient, type PgQuery, queueOf, SILENT, sendStatement, setActive, textOf } from './pg-types.js';
import { readStatement, type Statement } from './statement.js';

/** What is known of one physical connection. */
interface Held {
  /** The context it carries; undefined: not known. */
  current: string | undefined;
  /** As the server said last: idle, in a transaction, in a failed one. */
  status: string;
}

const PATCHED = Symbol.for('otel-audit.pg-context');

export function patchPgClient(prototype: PgClient & { [PATCHED]?: true }, carrier: Carrier): void {
  if (prototype[PATCHED] === true || typeof prototype._pulseQueryQueue !== 'function') return;
  Object.defineProperty(prototype, PATCHED, { value: true });
  const { query, _pulseQueryQueue: pulse } = prototype;
  const wantedBy = new WeakMap<PgQuery, string>();
  const heldBy = new WeakMap<PgClient, Held>();
  let calling: string | undefined;

  // Only here the caller's own context is the current one: a queued query is sent from within somebody else's.
  prototype.query = function auditedQuery(this: PgClient, ...args: readonly unknown[]): unknown {
    const outer = calling;
    calling = carrier.contextNow();
    try {
      return Reflect.apply(query, this, args);
    } finally {
      calling = outer;
    }
  };

  prototype._pulseQueryQueue = function auditedPulse(this: PgClient): void {
    try {
      carry(this);
    } catch {
      carrier.onUncarried('a driver that cannot carry one there');
    }
    Reflect.apply(pulse, this, []);
  };

  function carry(client: PgClient): void {
    const queue = queueOf(client);
    if (queue === undefined) return carrier.onUncarried('a driver that cannot carry one there');
    if (calling !== undefined) for (const queued of queue) if (!wantedBy.has(queued)) wantedBy.set(queued, calling);
    if (client.pipeline === true) carryInPipeline(client, queue);
    else if (client.readyForQuery === true) carryAhead(client, queue);
  }

  /** Puts what must go first in the place of the next query, or before it. */
  function carryAhead(client: PgClient, queue: PgQuery[]): void {
    const [head] = queue;
    const plan = head && planFor(client, head);
    if (head === undefined || plan === undefined) return;
    if (plan.type === 'probe') queue.unshift(probeOf(client));
    else queue[0] = plan.type === 'apart' ? apart(client, head, plan) : joined(client, head, plan.context);
  }

  /** Pipelined queries go out one after the other at once, each with its own end: so do the contexts between them. */
  function carryInPipeline(client: PgClient, queue: PgQuery[]): void {
    for (const next of queue.splice(0)) {
      const plan = planFor(client, next);
      if (plan?.type === 'apart') {
        queue.push(alone(plan.sql, plan.context));
        heldOf(client).current = statementOf(next).mayReset ? undefined : plan.context;
      } else if (plan !== undefined) {
        // What is behind it in the pipe cannot wait for the answer.
        if (plan.type === 'probe') queue.push(probeOf(client));
        carrier.onUncarried('a driver that cannot carry one there');
      }
      queue.push(next);
    }
  }

  type Plan =
    | { readonly type: 'probe' }
    | { readonly type: 'apart'; readonly sql: string; readonly context: string }
    | { readonly type: 'joined'; readonly context: string };

  function planFor(client: PgClient, head: PgQuery): Plan | undefined {
    const wanted = wantedBy.get(head);
    if (wanted === undefined || client.replication !== undefined) return undefined;
    const held = heldOf(client);
    const statement = statementOf(head);
    const { current } = held;
    if (statement.mayReset) held.current = undefined;
    const state = carrier.databases.get(databaseOf(client));
    // Never inside the service's transaction, which a failing probe would end.
    if (state === undefined) return wanted === '' || held.status !== 'I' ? undefined : { type: 'probe' };
    // In a failed transaction nothing can be written, and nothing set.
    if (!state.isTracked || statement.kind === 'control' || held.status === 'E') return undefined;
    const isLocal = isLocalFor(client);
    if (!isLocal || held.status === 'T') {
      if (current === wanted) return undefined;
      return { type: 'apart', sql: isLocal ? TRANSACTION_SQL : SESSION_SQL, context: wanted };
    }
    if (wanted === '') return undefined;
    if (statement.kind === 'rows') return { type: 'joined', context: wanted };
    carrier.onUncarried('several statements or none that may run in a transaction');
    return undefined;
  }

  function heldOf(client: PgClient): Held {
    const known = heldBy.get(client);
    if (known !== undefined) return known;
    const held: Held = { current: '', status: client._txStatus ?? 'I' };
    heldBy.set(client, held);
    client.connection.on('readyForQuery', ({ status = 'I' } = {}) => {
      // What was set in a transaction that failed is undone with it; what was set for one ends with it.
      if (held.status === 'E' && status !== 'E') held.current = undefined;
      if (status === 'I' && isLocalFor(client)) held.current = '';
      held.status = status;
    });
    return held;
  }

  function isLocalFor(client: PgClient): boolean {
    return carrier.mode === 'transaction' || (carrier.mode === 'auto' && carrier.databases.get(databaseOf(client))?.isPooled === true);
  }

  /** The context and then the query, each with its own end: neither can make the other fail. */
  function apart(client: PgClient, head: PgQuery, { sql, context }: { readonly sql: string; readonly context: string }): PgQuery {
    let refused: unknown;
    let isSent = false;
    const preamble: PgQuery = {
      ...SILENT,
      submit(connection) {
        connection.stream.cork?.();
        try {
          sendStatement(connection, sql, [context]);
          connection.sync();
          refused = head.submit(connection);
          isSent = !(refused instanceof Error);
        } finally {
          connection.stream.uncork?.();
        }
      },
      handleCommandComplete() {
        heldOf(client).current = statementOf(head).mayReset ? undefined : context;
      },
      handleError(error, connection) {
        // The server's answer to us: the query follows all the same. Without an answer the connection is gone.
        if (!isServerError(error)) return head.handleError(error, connection);
        carrier.onUncarried('the connection refused it');
        setActive(client, preamble);
      },
      handleReadyForQuery(connection) {
        if (refused instanceof Error) head.handleError(refused, connection);
        if (!isSent) return;
        client.readyForQuery = false;
        setActive(client, head);
      },
    };
    return preamble;
  }

  /** One implicit transaction around both: what is set for it ends with it. */
  function joined(client: PgClient, head: PgQuery, context: string): PgQuery {
    return {
      ...SILENT,
      submit(connection) {
        // The simple protocol would end the transaction in between.
        if (head.requiresPreparation?.() === false) head.requiresPreparation = () => true;
        connection.stream.cork?.();
        try {
          sendStatement(connection, TRANSACTION_SQL, [context]);
          const refused = head.submit(connection);
          if (refused instanceof Error) connection.sync();
          return refused;
        } finally {
          connection.stream.uncork?.();
        }
      },
      handleCommandComplete: () => setActive(client, head),
      handleError: (error, connection) => head.handleError(error, connection),
    };
  }

  function probeOf(client: PgClient): PgQuery {
    let processId: number | undefined;
    const key = databaseOf(client);
    return {
      ...SILENT,
      submit(connection) {
        sendStatement(connection, PROBE_SQL, []);
        connection.sync();
      },
      handleDataRow({ fields }) {
        processId = Number(fields[0]);
      },
      // Not a PostgreSQL that we know: left alone.
      handleError: () => carrier.databases.set(key, { isTracked: false, isPooled: false }),
      handleReadyForQuery: () =>
        carrier.databases.set(key, { isTracked: processId !== undefined, isPooled: processId !== client.processID }),
    };
  }
}

function alone(sql: string, context: string): PgQuery {
  return {
    ...SILENT,
    submit(connection) {
      sendStatement(connection, sql, [context]);
      connection.sync();
    },
  };
}

/** A named statement without a text was prepared before, so it is a single one. */
function statementOf(query: PgQuery): Statement {
  const text = textOf(query);
  if (text !== undefined) return readStatement(text);
  return typeof query.name === 'string' ? { kind: 'rows', mayReset: false } : { kind: 'other', mayReset: true };
}

/** Callbacks of a pool run when somebody else gives a connection back: they get back the context they were given in. */
export function patchPgPool(prototype: { connect(...args: readonly unknown[]): unknown } & { [PATCHED]?: true }): void {
  if (Object.hasOwn(prototype, PATCHED) || typeof prototype.connect !== 'function') return;
  Object.defineProperty(prototype, PATCHED, { value: true });
  const { connect } = prototype;
  prototype.connect = function auditedConnect(this: unknown, callback?: unknown, ...rest: readonly unknown[]): unknown {
    const bound = typeof callback === 'function' ? AsyncResource.bind(callback as () => void) : callback;
    return Reflect.apply(connect, this, [bound, ...rest]);
  };
}
