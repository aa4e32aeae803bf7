/** Cuts a batch into parts that make one statement each. */

import type { Acknowledgement } from '../../src/exporter.js';
import { ESCAPED } from '../../src/line-members.js';
import type { RecordLine } from '../../src/record-line.js';
import { toRow } from './row.js';
import type { PendingRow } from './store.js';

/** Two parts of a full batch are stored side by side; of fewer rows each the statements themselves would cost too much. */
const PART_ROWS = 500;
/** Far below what one message takes (1 GB), and little enough for the memory of a small server. */
const PART_BYTES = 8_000_000;

/** Settles records that no row can hold. A part is made when it is asked for: while the server works on the one before. */
export function* partsOf(
  lines: readonly RecordLine[],
  acknowledgements: (Acknowledgement | undefined)[],
): Generator<readonly PendingRow[]> {
  const most = Math.ceil(lines.length / partCount(lines.length));
  let rows: PendingRow[] = [];
  let bytes = 0;
  for (const [index, line] of lines.entries()) {
    if (!isText(line)) {
      acknowledgements[index] = NOT_TEXT;
      continue;
    }
    const own = line.end - line.start;
    if (rows.length === most || (rows.length > 0 && bytes + own > PART_BYTES)) {
      yield rows;
      rows = [];
      bytes = 0;
    }
    rows.push({ index, line });
    bytes += own;
  }
  if (rows.length > 0) yield rows;
}

/** Of so many rows, but for the size of their bodies. */
export function partCount(rows: number): number {
  return Math.ceil(rows / PART_ROWS);
}

/** A lone surrogate would become U+FFFD on the way, unnoticed. Every supported Node has the method; the build's types are older. */
function isText(line: RecordLine): boolean {
  if ((line.escaped & ESCAPED.unicode) === 0) return true;
  return toRow(line.record).every((value) => typeof value !== 'string' || (value as string & { isWellFormed(): boolean }).isWellFormed());
}

const NOT_TEXT: Acknowledgement = { status: 'rejected', reason: 'a value is not text: it has half of a surrogate pair' };
