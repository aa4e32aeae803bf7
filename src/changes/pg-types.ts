/** The part of the `pg` package that contexts travel through, from version 8.0 on, and small queries of our own in its form. */

export interface PgConnection {
  readonly stream: { cork?(): void; uncork?(): void };
  on(event: 'readyForQuery', listener: (message?: { readonly status?: string }) => void): unknown;
  parse(query: { readonly text: string }): void;
  bind(config: { readonly values: readonly string[] }): void;
  execute(config: object): void;
  sync(): void;
}

/** What a client submits: its own `Query`, a cursor, a stream. */
export interface PgQuery {
  readonly text?: unknown;
  readonly name?: unknown;
  readonly cursor?: { readonly text?: unknown } | undefined;
  requiresPreparation?(): boolean;
  submit(connection: PgConnection): unknown;
  handleError(error: unknown, connection: PgConnection): void;
  handleReadyForQuery(connection: PgConnection): void;
  handleRowDescription(message: unknown): void;
  handleDataRow(message: { readonly fields: readonly unknown[] }): void;
  handleCommandComplete(message: unknown, connection: PgConnection): void;
  handleEmptyQuery(connection: PgConnection): void;
  handlePortalSuspended(connection: PgConnection): void;
}

export interface PgClient {
  query(...args: readonly unknown[]): unknown;
  _pulseQueryQueue(): void;
  /** Since 8.17. */
  readonly _queryQueue?: PgQuery[];
  /** Before that; later it warns. */
  readonly queryQueue?: PgQuery[];
  readonly connection: PgConnection;
  readonly pipeline?: boolean;
  readonly replication?: unknown;
  readonly processID?: number | null;
  readonly _txStatus?: string | null;
  readonly host?: string;
  readonly port?: number;
  readonly database?: string;
  readyForQuery?: boolean;
}

/** Answers whatever the server says to a query of ours with nothing. */
export const SILENT: Omit<PgQuery, 'submit'> = {
  handleError() {},
  handleReadyForQuery() {},
  handleRowDescription() {},
  handleDataRow() {},
  handleCommandComplete() {},
  handleEmptyQuery() {},
  handlePortalSuspended() {},
};

/** By the extended protocol, without its end: parameters are never part of the text. */
export function sendStatement(connection: PgConnection, text: string, values: readonly string[]): void {
  connection.parse({ text });
  connection.bind({ values });
  connection.execute({});
}

/** Whom the client hands the next messages of the server. The name without the underscore warns since 8.17. */
export function setActive(client: PgClient, query: PgQuery): void {
  Object.assign(client, '_activeQuery' in client ? { _activeQuery: query } : { activeQuery: query });
}

/** Undefined in a version that keeps its queries elsewhere. */
export function queueOf(client: PgClient): PgQuery[] | undefined {
  return client._queryQueue ?? client.queryQueue;
}

export function textOf({ text, cursor }: PgQuery): string | undefined {
  const found = typeof text === 'string' ? text : cursor?.text;
  return typeof found === 'string' ? found : undefined;
}

export function databaseOf({ host, port, database }: PgClient): string {
  return `${host}:${port}/${database}`;
}

/** An answer of the server, which has a severity and a code; anything else is a connection that is gone. */
export function isServerError(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'severity' in error && 'code' in error;
}
