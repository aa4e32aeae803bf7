/** How contexts get to connections: what both drivers share. */

import type { DatabaseStates } from './database-state.js';

/** `auto`: per session, and per transaction where a pooler is found in between. */
export type ContextMode = 'auto' | 'session' | 'transaction';

/** Why a statement of a request ran without its context; it is recorded, and says nobody. */
export type Uncarried =
  | 'several statements or none that may run in a transaction'
  | 'a driver that cannot carry one there'
  | 'the connection refused it';

export interface Carrier {
  /** The context of the code that runs now; '' without a request or job. */
  readonly contextNow: () => string;
  readonly mode: ContextMode;
  readonly databases: DatabaseStates;
  readonly onUncarried: (reason: Uncarried) => void;
}
