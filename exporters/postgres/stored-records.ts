/** Reads the records of a trail, each checked against its own hash and against the columns of its row. */

import * as crypto from 'node:crypto';
import type { ClientBase } from 'pg';
import { canonicalize } from '../../src/canonical.js';
import type { JournalledRecord } from '../../src/record.js';
import { type CopiedRow, fieldOf, rowOf, splitRow, textOf } from './copied-row.js';
import { copyRows } from './copy-out.js';
import { hashedText } from './hashed-text.js';
import { fromRow, ROW_COLUMNS } from './row.js';
import { agreesWithColumns } from './row-agreement.js';

export type StoredRecord<Whole> =
  /** What was hashed is what stands in the row. */
  | { readonly isWhole: true; readonly record: Whole }
  /** As far as it can be read. */
  | { readonly isWhole: false; readonly record: JournalledRecord | undefined };

/** Of a record of kind `lifecycle`, all of it. */
type PlacedRecord = Pick<JournalledRecord, 'id' | 'kind' | 'observedTime' | 'integrity'> & Partial<JournalledRecord>;

/** @param statement a query for `COPY_LIST`, without parameters */
export function copyPlaces(client: ClientBase, statement: string): AsyncGenerator<readonly StoredRecord<PlacedRecord>[]> {
  return copyRows(client, statement, (bytes) => checkRow(bytes, placeOrLife));
}

/** The same with all of each record, which costs several times as much. */
export function copyRecords(client: ClientBase, statement: string): AsyncGenerator<readonly StoredRecord<JournalledRecord>[]> {
  return copyRows(client, statement, (bytes) => checkRow(bytes, (row) => fromRow(rowOf(row))));
}

function checkRow<Whole>(bytes: Buffer, read: (row: CopiedRow, hash: string) => Whole): StoredRecord<Whole | JournalledRecord> {
  const row = splitRow(bytes);
  const text = hashedText(row);
  const hash = textOf(row, HASH);
  const isWhole = text !== undefined && sha256(text) === hash;
  return isWhole ? { isWhole, record: read(row, hash) } : lookClosely(row);
}

function placeOrLife(row: CopiedRow, hash: string): PlacedRecord {
  return textOf(row, KIND) === 'lifecycle' ? fromRow(rowOf(row)) : placeIn(row, hash);
}

function lookClosely(row: CopiedRow): StoredRecord<JournalledRecord> {
  try {
    const columns = rowOf(row);
    const record = fromRow(columns);
    const { hash, ...link } = record.integrity;
    const isWhole = sha256(canonicalize({ ...record, integrity: link })) === hash && agreesWithColumns(columns, record);
    return { isWhole, record };
  } catch {
    // `rest` may have made anything of the record.
    return { isWhole: false, record: undefined };
  }
}

const placeOf = (name: string): number => ROW_COLUMNS.findIndex((column) => column.name === name);
const ID = placeOf('id');
const KIND = placeOf('kind');
const OBSERVED_AT = placeOf('observed_at');
const STREAM = placeOf('stream');
const EPOCH = placeOf('epoch');
const SEQ = placeOf('seq');
const PREV_HASH = placeOf('prev_hash');
const HASH = placeOf('hash');

function placeIn(row: CopiedRow, hash: string): PlacedRecord {
  return {
    id: textOf(row, ID),
    kind: textOf(row, KIND) as JournalledRecord['kind'],
    observedTime: String(fieldOf(row, OBSERVED_AT)),
    integrity: {
      stream: textOf(row, STREAM),
      epoch: Number(fieldOf(row, EPOCH)),
      seq: Number(fieldOf(row, SEQ)),
      prevHash: textOf(row, PREV_HASH),
      hash,
    },
  };
}

function sha256(data: string | Uint8Array): string {
  return crypto.hash('sha256', data, 'hex');
}
