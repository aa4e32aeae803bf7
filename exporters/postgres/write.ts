/** Stores a batch: by COPY if nothing stands in the way, which is the rule, else by INSERT. */

import type { ClientBase } from 'pg';
import type { Acknowledgement } from '../../src/exporter.js';
import type { JournalledRecord } from '../../src/record.js';
import { copyLine, copyLines } from './copy.js';
import { faultOf, refusesCopy } from './errors.js';
import { insertRows, type PendingRow } from './insert.js';
import { toRow } from './row.js';

/** For one connection. */
export interface Writer {
  /**
   * Fills in what became of each record. Throws at the first fault that is not a row's own; entries still empty then are
   * of records whose fate is open.
   */
  write(records: readonly JournalledRecord[], acknowledgements: (Acknowledgement | undefined)[]): Promise<void>;
}

/** Far below what one statement takes (256 MB of `jsonb`), and little enough for the memory of a small server. */
const MAX_STATEMENT_CHARS = 8_000_000;

export function createWriter(client: ClientBase): Writer {
  let copies = true;
  return {
    async write(records, acknowledgements) {
      for (let start = 0; start < records.length; ) {
        const part = new Part(records, start);
        const outcome = copies ? await copy(client, part) : 'not stored';
        copies &&= outcome !== 'never';
        const rows = part.complete();
        if (outcome !== 'stored') await insertRows(client, rows, acknowledgements);
        else for (const { index } of rows) acknowledgements[index] = { status: 'delivered' };
        start += rows.length;
      }
    },
  };
}

/** A resent, a bad or a homeless row is the INSERT's to find; where row level security refuses COPY it is not tried again. */
async function copy(client: ClientBase, part: Part): Promise<'stored' | 'not stored' | 'never'> {
  try {
    return (await copyLines(client, part.lines())) === 'stored' ? 'stored' : 'not stored';
  } catch (error) {
    if (refusesCopy(error)) return 'never';
    if (faultOf(error) === 'transient') throw error;
    return 'not stored';
  }
}

/** As many records from `start` on as one statement may hold; made into rows only as they are asked for. */
class Part {
  readonly #rows: PendingRow[] = [];
  readonly #lines: Iterator<string | undefined>;

  constructor(records: readonly JournalledRecord[], start: number) {
    this.#lines = this.#make(records, start);
  }

  /** For COPY. Undefined in the place of one that it must not see. */
  *lines(): Generator<string | undefined> {
    for (let next = this.#lines.next(); next.done !== true; next = this.#lines.next()) yield next.value;
  }

  /** All rows of the part, also if COPY has not asked for every one. */
  complete(): readonly PendingRow[] {
    while (this.#lines.next().done !== true);
    return this.#rows;
  }

  *#make(records: readonly JournalledRecord[], start: number): Generator<string | undefined, void> {
    let chars = 0;
    for (let index = start; index < records.length && chars < MAX_STATEMENT_CHARS; index += 1) {
      const record = records[index];
      if (record === undefined) return;
      const row = toRow(record);
      const line = copyLine(row);
      this.#rows.push({ index, record, row });
      chars += line.length;
      yield isWellFormed(line) ? line : undefined;
    }
  }
}

/** A lone surrogate would become U+FFFD on the way, unnoticed. Every supported Node has the method; the build's types are older. */
function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}
