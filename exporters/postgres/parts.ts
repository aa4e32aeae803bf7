/** Cuts a batch into parts that make one statement each. */

import type { Acknowledgement } from '../../src/exporter.js';
import type { JournalledRecord } from '../../src/record.js';
import { toRow } from './row.js';
import type { PendingRow } from './store.js';

/** Two parts of a full batch are stored side by side; of fewer rows each the statements themselves would cost too much. */
export const PART_ROWS = 500;
/** Far below what one message takes (1 GB), and little enough for the memory of a small server. */
const PART_BODY_CHARS = 8_000_000;

/** Settles records that no row can hold. A part is made when it is asked for: while the server works on the one before. */
export function* partsOf(
  records: readonly JournalledRecord[],
  acknowledgements: (Acknowledgement | undefined)[],
): Generator<readonly PendingRow[]> {
  let rows: PendingRow[] = [];
  let chars = 0;
  for (const [index, record] of records.entries()) {
    const row = toRow(record);
    if (!isWellFormed(row)) {
      acknowledgements[index] = NOT_TEXT;
      continue;
    }
    const own = charsOf(record);
    if (rows.length === PART_ROWS || (rows.length > 0 && chars + own > PART_BODY_CHARS)) {
      yield rows;
      rows = [];
      chars = 0;
    }
    rows.push({ index, record, row });
    chars += own;
  }
  if (rows.length > 0) yield rows;
}

/** A lone surrogate would become U+FFFD on the way, unnoticed. Every supported Node has the method; the build's types are older. */
function isWellFormed(row: PendingRow['row']): boolean {
  return row.every((value) => typeof value !== 'string' || (value as string & { isWellFormed(): boolean }).isWellFormed());
}

const NOT_TEXT: Acknowledgement = { status: 'rejected', reason: 'a value is not text: it has half of a surrogate pair' };

function charsOf({ request, response }: JournalledRecord): number {
  return (request?.body?.length ?? 0) + (response?.body?.length ?? 0);
}
