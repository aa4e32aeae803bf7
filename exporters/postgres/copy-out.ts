/** Reads rows with COPY in its binary form: `pg` would decode every field of a row to a string before anybody asked for it. */

import type { ClientBase, Connection, Submittable } from 'pg';

/** Rows that wait to be taken before the server is made to wait. */
const MAX_WAITING = 8192;

/**
 * What `read` makes of each row, in batches as they come. A reader that leaves early costs the connection: the rest is still on its way.
 *
 * @param statement a query without parameters, which COPY does not take
 * @param read must not throw, and must not keep the bytes: they are overwritten by those of later rows
 * @throws what the database says
 */
export async function* copyRows<Item>(client: ClientBase, statement: string, read: (row: Buffer) => Item): AsyncGenerator<readonly Item[]> {
  const copy = new CopyOut(`COPY (${statement}) TO STDOUT (FORMAT binary)`, read);
  client.query(copy);
  try {
    for (let items = await copy.take(); items.length > 0; items = await copy.take()) yield items;
  } finally {
    copy.leave();
  }
}

/** What the connection of `pg` can do, which its types tell otherwise. */
interface Wire {
  readonly stream: { pause(): void; resume(): void; destroy(): void };
  query(text: string): void;
}

/** A query as `pg` drives one; it calls these methods as the server's messages come in. */
class CopyOut<Item> implements Submittable {
  readonly #text: string;
  readonly #read: (row: Buffer) => Item;
  #wire: Wire | undefined;
  #items: Item[] = [];
  #isPaused = false;
  #end: { readonly error?: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(text: string, read: (row: Buffer) => Item) {
    this.#text = text;
    this.#read = read;
  }

  /** What has come since the last call, once something has; nothing at the end. */
  async take(): Promise<readonly Item[]> {
    if (this.#items.length === 0 && this.#end === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#end !== undefined && 'error' in this.#end) throw this.#end.error;
    const items = this.#items;
    this.#items = [];
    if (this.#isPaused) this.#wire?.stream.resume();
    this.#isPaused = false;
    return items;
  }

  leave(): void {
    if (this.#end === undefined) this.#wire?.stream.destroy();
  }

  submit(connection: Connection): void {
    this.#wire = connection as unknown as Wire;
    this.#wire.query(this.#text);
  }

  /** The server sends one message a row, but for what comes before the first and after the last. */
  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    const row = chunk[0] === SIGNATURE ? chunk.subarray(HEADER_BYTES + chunk.readInt32BE(HEADER_BYTES - 4)) : chunk;
    if (row.length <= TRAILER_BYTES) return;
    this.#items.push(this.#read(row));
    if (this.#items.length >= MAX_WAITING && !this.#isPaused) {
      this.#isPaused = true;
      this.#wire?.stream.pause();
    }
    this.#wakeUp();
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.#finish({});
  }

  /** The last that is heard of a failed query: `pg` forgets it before the server is ready again. */
  handleError(error: unknown): void {
    this.#finish({ error });
  }

  #finish(end: { readonly error?: unknown }): void {
    this.#end = end;
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

/** Of `PGCOPY\n\377\r\n\0`; a row begins with the number of its fields, and has not that many. */
const SIGNATURE = 0x50;
/** The signature, flags, and the length of what else may follow. */
const HEADER_BYTES = 19;
const TRAILER_BYTES = 2;
