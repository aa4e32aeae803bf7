/** One connection of the exporter, opened by the first part it is given and anew after any failure. */

import type { Acknowledgement } from '../../src/exporter.js';
import type { Connection, Connector } from './connection.js';
import { createContradictions } from './contradictions.js';
import { prepare } from './prepare.js';
import { Insertion } from './statement.js';
import { type Batch, type PendingRow, storeRows } from './store.js';

export interface Lane {
  /** Connects, and makes or upgrades the tables where the role may. @throws what stands in the way */
  open(signal: AbortSignal): Promise<void>;
  /** Gets ready for a part that is likely to be the next. */
  prepare(rows: readonly PendingRow[]): void;
  /**
   * Takes parts for as long as there are some, and fills in what became of each record. Throws at the first fault that is
   * not a row's own; entries still empty then are of records whose fate is open.
   */
  store(parts: Iterable<readonly PendingRow[]>, acknowledgements: (Acknowledgement | undefined)[], signal: AbortSignal): Promise<void>;
  /** Only a precaution, so its failure is nobody's: a row without a partition has one made. */
  makePartitionsAhead(): Promise<void>;
  /** Cuts the line. */
  cut(): void;
  /** Says goodbye; at most 2 s. */
  close(): Promise<void>;
}

export interface LaneTimeouts {
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs: number;
}

export function createLane(connect: Connector, timeouts: LaneTimeouts): Lane {
  let connection: Connection | undefined;
  let session: (Pick<Batch, 'client' | 'insertion' | 'contradictions'> & { readonly makesPartitions: boolean }) | undefined;

  const cut = (): void => {
    connection?.destroy();
    connection = undefined;
    session = undefined;
  };

  async function ready(signal: AbortSignal): Promise<NonNullable<typeof session>> {
    signal.throwIfAborted();
    if (connection?.isUsable() === true && session !== undefined) return session;
    cut();
    connection = await connect({ ...timeouts, signal });
    // The deadline may have passed as the connection came about, when there was nothing left to cut.
    signal.throwIfAborted();
    const { client } = connection;
    const { makesPartitions } = await prepare(client);
    session = { client, insertion: new Insertion(client), contradictions: createContradictions(client), makesPartitions };
    return session;
  }

  return {
    open: async (signal) => void (await ready(signal)),
    prepare: (rows) => session?.insertion.prepare(rows.map(({ line }) => line)),
    async store(parts, acknowledgements, signal) {
      const { client, insertion, contradictions } = await ready(signal);
      for (const rows of parts) await storeRows({ client, insertion, contradictions, acknowledgements }, rows);
    },
    async makePartitionsAhead() {
      if (session?.makesPartitions === true) await session.client.query('SELECT audit_ensure_partitions()').catch(() => {});
    },
    cut,
    async close() {
      const open = connection;
      connection = undefined;
      session = undefined;
      await open?.close();
    },
  };
}
