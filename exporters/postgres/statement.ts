/** One INSERT of many rows, sent as bytes: `pg` would copy them several times over on their way. */

import type { ClientBase, Connection, Submittable } from 'pg';
import { bindMessage, wireType } from './binary.js';
import { ROW_COLUMNS, type Row } from './row.js';

/**
 * Without a conflict target the statement needs no right but INSERT, and stores a record once however often it is
 * offered. COPY would be a twelfth faster, but knows no conflicts and is refused where row level security is on.
 */
const INSERT = `INSERT INTO audit_logs (${list(({ name }) => name)})
SELECT ${list(({ name, type }) => (type === 'inet' ? `${name}::inet` : name))}
FROM unnest(${list(({ type }, index) => `$${index + 1}::${wireType(type)}[]`)}) AS offered (${list(({ name }) => name)})
ON CONFLICT DO NOTHING`;

/**
 * How many of the rows were stored; the others were there.
 * @throws what the database says
 */
export function insert(client: ClientBase, rows: readonly Row[]): Promise<number> {
  return new Promise((resolve, reject) => {
    client.query(new Insert(bindMessage(rows), resolve, reject));
  });
}

/** What the connection of `pg` can do, which its types tell otherwise. */
interface Wire {
  readonly stream: { write(data: Buffer): void };
  parse(query: { readonly text: string }): void;
  execute(options: { readonly portal?: string }): void;
  sync(): void;
}

/** A query as `pg` drives one; it calls these methods as the server's messages come in. */
class Insert implements Submittable {
  readonly #bind: Buffer;
  readonly #resolve: (stored: number) => void;
  readonly #reject: (error: unknown) => void;
  #stored = 0;

  constructor(bind: Buffer, resolve: (stored: number) => void, reject: (error: unknown) => void) {
    this.#bind = bind;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  submit(connection: Connection): void {
    const wire = connection as unknown as Wire;
    wire.parse({ text: INSERT });
    wire.stream.write(this.#bind);
    wire.execute({});
    wire.sync();
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#stored = Number(text.slice('INSERT 0 '.length));
  }

  handleReadyForQuery(): void {
    this.#resolve(this.#stored);
  }

  /** The last that is heard of a failed query: `pg` forgets it before the server is ready again. */
  handleError(error: unknown): void {
    this.#reject(error);
  }
}

function list(itemOf: (column: (typeof ROW_COLUMNS)[number], index: number) => string): string {
  return ROW_COLUMNS.map(itemOf).join(', ');
}
