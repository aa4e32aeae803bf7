/** Stores records in PostgreSQL, in the append-only, partitioned table `audit_logs`. Never reads them, never changes them. */

import type { Acknowledgement, AuditExporter } from '../../src/exporter.js';
import { allRetry } from '../../src/exporter.js';
import type { JournalledRecord } from '../../src/record.js';
import { type Connection, checkUrl, connect } from './connection.js';
import { reasonOf } from './errors.js';
import { prepare } from './prepare.js';
import { createWriter, type Writer } from './write.js';

export { createTables, type MigrationResult, migrationSql } from './migrate.js';
export { fromRow, SELECT_LIST } from './row.js';

export interface PostgresExporterOptions {
  /** `postgres://user:password@host:port/database`, with the query parameters of the `pg` package (`sslmode`, `options` …). */
  readonly url: string;
  /** How long the server may work on one statement. Default 8000. */
  readonly statementTimeoutMs?: number | undefined;
  /** The clock, for the daily partitions. Default `Date.now`. */
  readonly now?: () => number;
}

/** @throws {AuditError} ERR_AUDIT_EXPORTER if the URL is none. A server that is down is no error. */
export function createPostgresExporter(options: PostgresExporterOptions): AuditExporter {
  checkUrl(options.url);
  return new PostgresExporter(options);
}

/** Below the deliverer's deadline of 10 s, so that the server has given up before the batch comes again. */
const STATEMENT_TIMEOUT_MS = 8000;
const DAY_MS = 86_400_000;

class PostgresExporter implements AuditExporter {
  readonly name = 'postgres';
  readonly #url: string;
  readonly #statementTimeoutMs: number;
  readonly #now: () => number;
  #connection: Connection | undefined;
  #writer: Writer | undefined;
  #partitionsMadeAt = Number.NEGATIVE_INFINITY;
  #makesPartitions = false;
  #shutDown = false;

  constructor({ url, statementTimeoutMs = STATEMENT_TIMEOUT_MS, now = Date.now }: PostgresExporterOptions) {
    this.#url = url;
    this.#statementTimeoutMs = statementTimeoutMs;
    this.#now = now;
  }

  async export(records: readonly JournalledRecord[], signal: AbortSignal): Promise<readonly Acknowledgement[]> {
    if (this.#shutDown) return allRetry(records.length, 'the exporter is shut down');
    const acknowledgements = new Array<Acknowledgement | undefined>(records.length);
    let reason = 'not offered to the database';
    try {
      await this.#store(records, acknowledgements, signal);
    } catch (error) {
      this.#disconnect();
      reason = signal.aborted ? 'the deadline passed' : reasonOf(error);
    }
    return Array.from(acknowledgements, (acknowledgement) => acknowledgement ?? { status: 'retry', reason });
  }

  async shutdown(): Promise<void> {
    this.#shutDown = true;
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.close();
  }

  async #store(
    records: readonly JournalledRecord[],
    acknowledgements: (Acknowledgement | undefined)[],
    signal: AbortSignal,
  ): Promise<void> {
    const cut = (): void => this.#disconnect();
    signal.addEventListener('abort', cut, { once: true });
    try {
      const writer = await this.#ready(signal);
      await this.#makePartitionsAhead();
      await writer.write(records, acknowledgements);
    } finally {
      signal.removeEventListener('abort', cut);
    }
  }

  async #ready(signal: AbortSignal): Promise<Writer> {
    signal.throwIfAborted();
    if (this.#connection?.isUsable() === true && this.#writer !== undefined) return this.#writer;
    this.#disconnect();
    this.#connection = await connect({ url: this.#url, statementTimeoutMs: this.#statementTimeoutMs, signal });
    // The deadline may have passed as the connection came about, when there was nothing left to cut.
    signal.throwIfAborted();
    this.#makesPartitions = (await prepare(this.#connection.client)).makesPartitions;
    this.#writer = createWriter(this.#connection.client);
    return this.#writer;
  }

  /** Daily. Only a precaution, so its failure is not the batch's: a row without a partition has one made. */
  async #makePartitionsAhead(): Promise<void> {
    if (!this.#makesPartitions || this.#now() - this.#partitionsMadeAt < DAY_MS) return;
    this.#partitionsMadeAt = this.#now();
    await this.#connection?.client.query('SELECT audit_ensure_partitions()').catch(() => {});
  }

  #disconnect(): void {
    this.#connection?.destroy();
    this.#connection = undefined;
    this.#writer = undefined;
  }
}
