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

/** @throws what the database says */
export function copyLines(client: ClientBase, lines: string): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query(new CopyFromText(Buffer.from(lines), resolve, reject));
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
type CopyConnection = Connection & { sendCopyFromChunk(chunk: Buffer): void; endCopyFrom(): void };

/** A query as `pg` drives one; it calls these methods as the server's messages come in. */
class CopyFromText implements Submittable {
  readonly #data: Buffer;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;

  constructor(data: Buffer, resolve: () => void, reject: (error: unknown) => void) {
    this.#data = data;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  submit(connection: Connection): void {
    connection.query(COPY);
  }

  handleCopyInResponse(connection: CopyConnection): void {
    connection.sendCopyFromChunk(this.#data);
    connection.endCopyFrom();
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.#resolve();
  }

  /** The last that is heard of a failed query: `pg` forgets it before the server is ready again. */
  handleError(error: unknown): void {
    this.#reject(error);
  }
}
