/** Stores records in PostgreSQL, in the append-only, partitioned table `audit_logs`. Never reads them, never changes them. */

import type { Acknowledgement, AuditExporter } from '../../src/exporter.js';
import { allRetry } from '../../src/exporter.js';
import type { LineExporter } from '../../src/line-exporter.js';
import type { JournalledRecord } from '../../src/record.js';
import { lineOf, type RecordLine } from '../../src/record-line.js';
import { createConnector, type DatabaseAccess } from './connection.js';
import { reasonOf } from './errors.js';
import { createLane, type Lane } from './lane.js';
import { partCount, partsOf } from './parts.js';

export { type ArchivedFile, type ArchiveManifest, archive } from './archive.js';
export type { DatabaseAccess } from './connection.js';
export { COPY_LIST } from './copied-row.js';
export { type Hold, type HoldScope, holdsOnActor, listHolds, placeHold, releaseHold } from './holds.js';
export { createTables, type MigrationOptions, type MigrationResult, migrationSql } from './migrate.js';
export { type KeepPeriods, type Pruned, type PruneOptions, prune } from './prune.js';
export { type Restored, restore } from './restore.js';
export { fromRow, SELECT_LIST } from './row.js';
export { copyPlaces, copyRecords, type StoredRecord } from './stored-records.js';

export interface PostgresExporterOptions extends DatabaseAccess {
  /** How long the server may work on one statement. Default 8000. */
  readonly statementTimeoutMs?: number | undefined;
  /** The clock, for the daily partitions. Default `Date.now`. */
  readonly now?: () => number;
}

/** @throws {AuditError} ERR_AUDIT_EXPORTER if the URL is none. A server that is down is no error. */
export function createPostgresExporter(options: PostgresExporterOptions): AuditExporter {
  return new PostgresExporter(options);
}

/** Below the deliverer's deadline of 10 s, so that the server has given up before the batch comes again. */
const STATEMENT_TIMEOUT_MS = 8000;
/** Below that one: who holds a lock is another's fault than who works slowly. */
const LOCK_TIMEOUT_MS = 5000;
const DAY_MS = 86_400_000;

class PostgresExporter implements LineExporter {
  readonly name = 'postgres';
  /** The others are opened only by a batch of more than one part. */
  readonly #lanes: readonly [Lane, ...Lane[]];
  readonly #now: () => number;
  #partitionsMadeAt = Number.NEGATIVE_INFINITY;
  #shutDown = false;

  constructor({ statementTimeoutMs = STATEMENT_TIMEOUT_MS, now = Date.now, ...access }: PostgresExporterOptions) {
    const connect = createConnector(access);
    const timeouts = { statementTimeoutMs, lockTimeoutMs: LOCK_TIMEOUT_MS };
    this.#lanes = [createLane(connect, timeouts), createLane(connect, timeouts)];
    this.#now = now;
  }

  async export(records: readonly JournalledRecord[], signal: AbortSignal): Promise<readonly Acknowledgement[]> {
    return this.exportLines(records.map(lineOf), signal);
  }

  async exportLines(lines: readonly RecordLine[], signal: AbortSignal): Promise<readonly Acknowledgement[]> {
    if (this.#shutDown) return allRetry(lines.length, 'the exporter is shut down');
    const acknowledgements = new Array<Acknowledgement | undefined>(lines.length);
    let reason = 'not offered to the database';
    try {
      await this.#store(lines, acknowledgements, signal);
    } catch (error) {
      this.#cut();
      reason = signal.aborted ? 'the deadline passed' : reasonOf(error);
    }
    return Array.from(acknowledgements, (acknowledgement) => acknowledgement ?? { status: 'retry', reason });
  }

  /** The first part for each connection, as `store` will hand them out. */
  prepare(lines: readonly RecordLine[]): void {
    const parts = partsOf(lines, []);
    for (const lane of this.#lanes) {
      const { value } = parts.next();
      if (value !== undefined) lane.prepare(value);
    }
  }

  async shutdown(): Promise<void> {
    this.#shutDown = true;
    await Promise.all(this.#lanes.map((lane) => lane.close()));
  }

  async #store(lines: readonly RecordLine[], acknowledgements: (Acknowledgement | undefined)[], signal: AbortSignal): Promise<void> {
    const cut = (): void => this.#cut();
    signal.addEventListener('abort', cut, { once: true });
    try {
      // One alone at first: it may have to make the tables.
      await this.#lanes[0].open(signal);
      await this.#makePartitionsAhead();
      const parts = partsOf(lines, acknowledgements);
      const lanes = this.#lanes.slice(0, partCount(lines.length));
      const outcomes = await Promise.allSettled(lanes.map((lane) => lane.store(parts, acknowledgements, signal)));
      const failure = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failure !== undefined) throw failure.reason;
    } finally {
      signal.removeEventListener('abort', cut);
    }
  }

  /** Daily. */
  async #makePartitionsAhead(): Promise<void> {
    if (this.#now() - this.#partitionsMadeAt < DAY_MS) return;
    this.#partitionsMadeAt = this.#now();
    await this.#lanes[0].makePartitionsAhead();
  }

  #cut(): void {
    for (const lane of this.#lanes) lane.cut();
  }
}
