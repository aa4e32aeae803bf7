/** One INSERT of many rows, sent as bytes: `pg` would copy them several times over on their way. */

import type { ClientBase, Connection, Submittable } from 'pg';
import type { RecordLine } from '../../src/record-line.js';
import { BindMessages, type Parameter, parametersOf, wireType } from './binary.js';
import { LineRows } from './line-rows.js';
import type { ToRowOptions } from './row.js';

/** Stores rows, and answers how many; the others were there. @throws what the database says */
export type Insertion = (lines: readonly RecordLine[], options?: ToRowOptions) => Promise<number>;

/** For one connection, one call at a time. */
export function createInsertion(client: ClientBase): Insertion {
  const messages = new BindMessages();
  const rows = new LineRows();
  return async (lines, options) => {
    try {
      return await new Promise<number>((resolve, reject) => {
        rows.fill(lines, options);
        const parameters = parametersOf(rows);
        client.query(new Insert(textOf(parameters), messages.encode(parameters, rows), resolve, reject));
        rows.clear();
      });
    } catch (error) {
      // The server may have answered before it has read everything.
      messages.forget();
      throw error;
    }
  };
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
  readonly #text: string;
  readonly #bind: Buffer;
  readonly #resolve: (stored: number) => void;
  readonly #reject: (error: unknown) => void;
  #stored = 0;

  constructor(text: string, bind: Buffer, resolve: (stored: number) => void, reject: (error: unknown) => void) {
    this.#text = text;
    this.#bind = bind;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  submit(connection: Connection): void {
    const wire = connection as unknown as Wire;
    wire.parse({ text: this.#text });
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

/**
 * Without a conflict target the statement needs no right but INSERT, and stores a record once however often it is
 * offered. The arrays are taken apart in the select list, in step: in FROM the server would put each of them away as a table
 * of its own first, an eighth of its work. COPY would be faster still, but knows no conflicts and is refused where row level
 * security is on.
 */
function textOf(parameters: readonly Parameter[]): string {
  const values = parameters.map(({ type, isArray }, index) => {
    const parameter = `$${index + 1}::${wireType(type)}`;
    return `${isArray ? `unnest(${parameter}[])` : parameter}${type === 'inet' ? '::inet' : ''}`;
  });
  return `INSERT INTO audit_logs (${parameters.map(({ name }) => name).join(', ')}) SELECT ${values.join(', ')} ON CONFLICT DO NOTHING`;
}
