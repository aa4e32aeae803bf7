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
      for (const { rows, lines } of partsOf(records)) {
        const outcome = copies && isWellFormed(lines) ? await copy(client, lines) : 'not stored';
        copies &&= outcome !== 'never';
        if (outcome !== 'stored') await insertRows(client, rows, acknowledgements);
        else for (const { index } of rows) acknowledgements[index] = { status: 'delivered' };
      }
    },
  };
}

type CopyOutcome = 'stored' | 'not stored' | 'never';

/** A resent, a bad or a homeless row is the INSERT's to find; where row level security refuses COPY it is not tried again. */
async function copy(client: ClientBase, lines: string): Promise<CopyOutcome> {
  try {
    await copyLines(client, lines);
    return 'stored';
  } catch (error) {
    if (refusesCopy(error)) return 'never';
    if (faultOf(error) === 'transient') throw error;
    return 'not stored';
  }
}

/** A lone surrogate would become U+FFFD on the way, unnoticed. Every supported Node has the method; the build's types are older. */
function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}

interface Part {
  readonly rows: readonly PendingRow[];
  readonly lines: string;
}

function* partsOf(records: readonly JournalledRecord[]): Generator<Part> {
  let rows: PendingRow[] = [];
  let lines = '';
  for (const [index, record] of records.entries()) {
    const row = toRow(record);
    const line = copyLine(row);
    if (rows.length > 0 && lines.length + line.length > MAX_STATEMENT_CHARS) {
      yield { rows, lines };
      rows = [];
      lines = '';
    }
    rows.push({ index, record, row });
    lines += line;
  }
  yield { rows, lines };
}
