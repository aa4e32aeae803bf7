/** A trail as it lies somewhere: what can be read of it, for verifying and for people. Nothing here writes to it. */

import type { FindingKind } from '../integrity/findings.js';
import type { SeqRange } from '../integrity/seq-range.js';
import type { LineFault } from '../journal/chain.js';
import type { WholeRecord } from '../journal/whole-line.js';
import type { JournalledRecord } from '../record.js';
import type { RecordFilter } from './filter.js';

/** What stands at one place: a record that is what its own hash says, one that is not, or no record. */
export type TrailEntry<Whole = WholeRecord> = (
  | { readonly record: Whole; readonly fault?: undefined }
  | { readonly record: JournalledRecord; readonly fault: LineFault }
  | { readonly record?: undefined; readonly fault: LineFault }
) & {
  /** For people: file and line, or table. */
  readonly where: string;
};

export type FullEntry = TrailEntry<JournalledRecord>;

export interface StoredCheckpoint {
  /** In whose chain of checkpoints it stands. */
  readonly stream: string;
  /** As `readSignedCheckpoint` takes it. */
  readonly content: unknown;
  /** `record`: its own place in the trail. `table`, `copy`: a second one. */
  readonly place: 'record' | 'table' | 'copy';
}

export interface Trail {
  /** For people: where it lies, without a password. */
  readonly name: string;
  /** Records stand in the order in which they were recorded, stream by stream. */
  readonly isOrdered: boolean;
  /** False: by its nature a part, such as an archive of one month; what is missing before, after and beside it is not held against it. */
  readonly isComplete: boolean;
  /** Everything, in batches, whole or not. `since`: from the first record of each stream that was observed then or later. */
  entries(since?: string): AsyncIterable<readonly TrailEntry[]>;
  /** The same with all that the records say, which costs several times as much. */
  fullEntries(since?: string): AsyncIterable<readonly FullEntry[]>;
  checkpoints(): AsyncIterable<StoredCheckpoint>;
  /** Of these records, in order; of those that are there. */
  hashes(range: SeqRange): Promise<readonly string[]>;
  /** What the store says it removed by rule. */
  removed(): Promise<readonly SeqRange[]>;
  /** What is wrong with the store itself. */
  faults(): Promise<readonly StoreFault[]>;
  /** Records that pass the filter; those that are damaged as well, as far as they can be read. */
  search(filter: RecordFilter, options: SearchOptions): AsyncIterable<JournalledRecord>;
  /** Records that come after this call, as they come, until `signal` aborts. */
  follow(filter: RecordFilter, signal: AbortSignal): AsyncIterable<JournalledRecord>;
  close(): Promise<void>;
}

export interface StoreFault {
  readonly kind: FindingKind;
  readonly detail: string;
}

export interface SearchOptions {
  /** The newest so many, newest first. Without it all, in an order that the trail finds easy. */
  readonly limit?: number | undefined;
}
