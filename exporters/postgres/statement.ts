/** One INSERT of many rows, sent as bytes: `pg` would copy them several times over on their way. */

import type { ClientBase, Connection, Submittable } from 'pg';
import type { RecordLine } from '../../src/record-line.js';
import { BindMessages, type Parameter, parametersOf, wireType } from './binary.js';
import { LineRows } from './line-rows.js';
import type { ToRowOptions } from './row.js';

/** For one connection, one call at a time. */
export class Insertion {
  readonly #client: ClientBase;
  readonly #rows = new LineRows();
  /** What is on its way lies in it. */
  #sent = new BindMessages();
  #ready = new BindMessages();
  #prepared: Prepared | undefined;

  constructor(client: ClientBase) {
    this.#client = client;
  }

  /** Makes the statement for lines that are to be stored next; of use only if just these are. */
  prepare(lines: readonly RecordLine[]): void {
    this.#prepared = this.#make(lines);
  }

  /** Stores rows, and answers how many; the others were there. @throws what the database says */
  async store(lines: readonly RecordLine[], options?: ToRowOptions): Promise<number> {
    const prepared = this.#prepared;
    const { text, bind } = prepared !== undefined && options === undefined && isOf(prepared, lines) ? prepared : this.#make(lines, options);
    this.#prepared = undefined;
    [this.#sent, this.#ready] = [this.#ready, this.#sent];
    try {
      return await new Promise<number>((resolve, reject) => {
        this.#client.query(new Insert(text, bind, resolve, reject));
      });
    } catch (error) {
      // The server may have answered before it has read everything.
      this.#sent.forget();
      throw error;
    }
  }

  #make(lines: readonly RecordLine[], options?: ToRowOptions): Prepared {
    const rows = this.#rows;
    rows.fill(lines, options);
    const parameters = parametersOf(rows);
    const bind = this.#ready.encode(parameters, rows);
    rows.clear();
    return { lines, text: textOf(parameters), bind };
  }
}

interface Prepared {
  readonly lines: readonly RecordLine[];
  readonly text: string;
  readonly bind: Buffer;
}

function isOf(prepared: Prepared, lines: readonly RecordLine[]): boolean {
  return prepared.lines.length === lines.length && prepared.lines.every((line, nth) => line === lines[nth]);
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
