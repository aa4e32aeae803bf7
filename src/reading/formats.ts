/** The formats in which records can be read, by name. */

import { canonicalize } from '../canonical.js';
import type { JournalledRecord } from '../record.js';
import { toCloudEvent } from './cloudevents.js';
import { csvHead, csvRow } from './csv.js';
import { toEcs } from './ecs.js';
import { toOcsf } from './ocsf.js';
import { tableHead, tableRow } from './table.js';

export interface Format {
  readonly head?: (() => string) | undefined;
  /** With its end of line. */
  readonly row: (record: JournalledRecord, isColoured: boolean) => string;
}

export const FORMATS: Readonly<Record<string, Format>> = {
  table: { head: tableHead, row: tableRow },
  // As the journal has it: what is exported so can be verified.
  json: { row: (record) => `${canonicalize(record)}\n` },
  csv: { head: csvHead, row: csvRow },
  ocsf: { row: (record) => `${JSON.stringify(toOcsf(record))}\n` },
  cloudevents: { row: (record) => `${JSON.stringify(toCloudEvent(record))}\n` },
  ecs: { row: (record) => `${JSON.stringify(toEcs(record))}\n` },
};
