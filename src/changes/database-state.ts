/** What is known of a database: whether its changes are tracked, and whether something pools its sessions behind our back. */

export interface DatabaseState {
  readonly isTracked: boolean;
  /** The server's process is not the one that answered the login: sessions are shared, so nothing may outlive a transaction. */
  readonly isPooled: boolean;
}

/** Whether tracked changes are there, and the process id of the session; no row if they are not. Needs no privilege. */
export const PROBE_SQL = `SELECT pg_catalog.pg_backend_pid() FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'audit' AND c.relname = 'changes'`;

export const SESSION_SQL = `SELECT pg_catalog.set_config('audit.context', $1, false)`;
export const TRANSACTION_SQL = `SELECT pg_catalog.set_config('audit.context', $1, true)`;

// Tables that are tracked while the service runs are noticed after this long.
const UNTRACKED_MS = 10_000;

export interface DatabaseStates {
  /** Undefined: not known, or not any more. */
  get(key: string): DatabaseState | undefined;
  set(key: string, state: DatabaseState): void;
}

export function createDatabaseStates(nowMs: () => number): DatabaseStates {
  const states = new Map<string, DatabaseState & { readonly atMs: number }>();
  return {
    get(key) {
      const state = states.get(key);
      if (state === undefined || state.isTracked) return state;
      return nowMs() - state.atMs < UNTRACKED_MS ? state : undefined;
    },
    set: (key, state) => void states.set(key, { ...state, atMs: nowMs() }),
  };
}
