/** The fast way to store rows: COPY in text format. All rows or none; a row that is there already fails it. */

import type { ClientBase, Connection, Submittable } from 'pg';
import { ROW_KEYS, type Row } from './row.js';

const COPY = `COPY audit_logs (${ROW_KEYS.map(({ name }) => name).join(', ')}) FROM STDIN`;

/** One row as COPY reads it, with its end of line. */
export function copyLine(row: Row): string {
  let line = '';
  for (const { key } of ROW_KEYS) line += `${line === '' ? '' : '\t'}${field(row[key])}`;
  return `${line}\n`;
}

export type CopyOutcome = 'stored' | 'given up';

/**
 * Stores all lines or none. They are taken one by one while the server is at work on those before; an undefined one gives
 * the whole COPY up.
 * @throws what the database says
 */
export function copyLines(client: ClientBase, lines: Iterable<string | undefined>): Promise<CopyOutcome> {
  return new Promise((resolve, reject) => {
    client.query(new CopyFromText(lines, resolve, reject));
  });
}

const NULL = '\\N';
const SPECIAL = /[\\\t\n\r]/;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

function field(value: unknown): string {
  if (value === undefined) return NULL;
  if (typeof value === 'string') return escaped(value);
  return typeof value === 'object' ? escaped(JSON.stringify(value)) : String(value);
}

function escaped(text: string): string {
  return SPECIAL.test(text) ? text.replace(/[\\\t\n\r]/g, (character) => ESCAPES[character] ?? character) : text;
}

/** What the connection of `pg` can do with COPY, which its types leave out. */
type CopyConnection = Connection & { sendCopyFromChunk(chunk: Buffer): void; endCopyFrom(): void; sendCopyFail(reason: string): void };

// 64 KB: some thirty rows, so that the server is busy soon and a write call is worth its while.
const CHUNK_CHARS = 65_536;

/** A query as `pg` drives one; it calls these methods as the server's messages come in. */
class CopyFromText implements Submittable {
  readonly #lines: Iterable<string | undefined>;
  readonly #resolve: (outcome: CopyOutcome) => void;
  readonly #reject: (error: unknown) => void;
  #isGivenUp = false;

  constructor(lines: Iterable<string | undefined>, resolve: (outcome: CopyOutcome) => void, reject: (error: unknown) => void) {
    this.#lines = lines;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  submit(connection: Connection): void {
    connection.query(COPY);
  }

  handleCopyInResponse(connection: CopyConnection): void {
    let chunk = '';
    for (const line of this.#lines) {
      if (line === undefined) {
        this.#isGivenUp = true;
        return connection.sendCopyFail('given up');
      }
      chunk += line;
      if (chunk.length < CHUNK_CHARS) continue;
      connection.sendCopyFromChunk(Buffer.from(chunk));
      chunk = '';
    }
    connection.sendCopyFromChunk(Buffer.from(chunk));
    connection.endCopyFrom();
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.#resolve('stored');
  }

  /** The last that is heard of a failed query: `pg` forgets it before the server is ready again. */
  handleError(error: unknown): void {
    if (this.#isGivenUp) this.#resolve('given up');
    else this.#reject(error);
  }
}
