/** The careful way to store rows: in as few INSERTs as the worst of them allows. A bad row never takes good ones with it. */

import { isDeepStrictEqual } from 'node:util';
import type { ClientBase } from 'pg';
import type { Acknowledgement } from '../../src/exporter.js';
import type { JournalledRecord } from '../../src/record.js';
import { faultOf, reasonOf, refusesRole } from './errors.js';
import { ROW_KEYS, type Row, toRow } from './row.js';

/**
 * Without a conflict target the statement needs no right but INSERT, and stores a record once however often it is offered.
 * Bodies travel as strings and are cast: inside the `jsonb` parameter they would lose their order and spelling.
 */
const INSERT = `INSERT INTO audit_logs (${ROW_KEYS.map(({ name }) => name).join(', ')})
SELECT ${ROW_KEYS.map(({ key, type }) => (type === 'json' ? `${key}::json` : key)).join(', ')}
FROM jsonb_to_recordset($1::jsonb) AS x (${ROW_KEYS.map(({ key, type }) => `${key} ${type === 'json' ? 'text' : type}`).join(', ')})
ON CONFLICT DO NOTHING`;

/**
 * Fills in what became of each record. Throws at the first fault that is not a row's own; entries still empty then are
 * of records whose fate is open.
 */
export async function insertRows(
  client: ClientBase,
  rows: readonly PendingRow[],
  acknowledgements: (Acknowledgement | undefined)[],
): Promise<void> {
  await store({ client, acknowledgements }, rows, false);
}

/** A row on its way, with its record and that record's place in the batch. */
export interface PendingRow {
  readonly index: number;
  readonly record: JournalledRecord;
  readonly row: Row;
}

interface Batch {
  readonly client: ClientBase;
  readonly acknowledgements: (Acknowledgement | undefined)[];
}

async function store(batch: Batch, rows: readonly PendingRow[], partitioned: boolean): Promise<void> {
  try {
    await insert(batch.client, rows);
    settle(batch, rows, { status: 'delivered' });
  } catch (error) {
    const fault = faultOf(error);
    if (fault === 'transient') throw error;
    if (fault === 'poison') await storeApart(batch, rows, partitioned, error);
    else if (partitioned) settle(batch, rows, NO_PARTITION);
    else await storeByMonth(batch, rows);
  }
}

/** Halves until the bad rows stand alone: log2(n) statements for one among n. */
async function storeApart(batch: Batch, rows: readonly PendingRow[], partitioned: boolean, error: unknown): Promise<void> {
  const [row] = rows;
  if (rows.length === 1 && row !== undefined) return storeBodiesAside(batch, row, error);
  const middle = rows.length >> 1;
  await store(batch, rows.slice(0, middle), partitioned);
  await store(batch, rows.slice(middle), partitioned);
}

/** A body that is not the JSON it claims to be is no reason to lose the record. */
async function storeBodiesAside(batch: Batch, pending: PendingRow, error: unknown): Promise<void> {
  const row = toRow(pending.record, { bodiesAside: true });
  try {
    if (isDeepStrictEqual(row, pending.row)) throw error;
    await insert(batch.client, [{ ...pending, row }]);
    settle(batch, [pending], { status: 'delivered' });
  } catch (thrown) {
    if (faultOf(thrown) === 'transient') throw thrown;
    settle(batch, [pending], { status: 'rejected', reason: reasonOf(thrown) });
  }
}

async function storeByMonth(batch: Batch, rows: readonly PendingRow[]): Promise<void> {
  for (const [month, own] of byMonth(rows)) {
    if (month === undefined) settle(batch, own, { status: 'rejected', reason: 'the time is not a time' });
    else if (await ensurePartition(batch.client, month)) await store(batch, own, true);
    else settle(batch, own, OUT_OF_WINDOW);
  }
}

/** False if the month is one that writers may not make. A role that may not ask goes on with the partitions there are. */
async function ensurePartition(client: ClientBase, month: string): Promise<boolean> {
  try {
    const { rows } = await client.query<{ ready: boolean }>('SELECT audit_ensure_partition($1) AS ready', [month]);
    return rows[0]?.ready === true;
  } catch (error) {
    if (refusesRole(error)) return true;
    throw error;
  }
}

async function insert(client: ClientBase, rows: readonly PendingRow[]): Promise<void> {
  await client.query(INSERT, [JSON.stringify(rows.map(({ row }) => row))]);
}

function settle({ acknowledgements }: Batch, rows: readonly PendingRow[], acknowledgement: Acknowledgement): void {
  for (const { index } of rows) acknowledgements[index] = acknowledgement;
}

function byMonth(rows: readonly PendingRow[]): ReadonlyMap<string | undefined, readonly PendingRow[]> {
  const months = new Map<string | undefined, PendingRow[]>();
  for (const row of rows) {
    const month = monthOf(row.record);
    const group = months.get(month);
    if (group === undefined) months.set(month, [row]);
    else group.push(row);
  }
  return months;
}

/** Its first moment. */
function monthOf(record: JournalledRecord): string | undefined {
  const ms = Date.parse(record.time);
  return Number.isNaN(ms) ? undefined : `${new Date(ms).toISOString().slice(0, 'YYYY-MM-'.length)}01T00:00:00.000Z`;
}

const NO_PARTITION: Acknowledgement = {
  status: 'retry',
  reason:
    'there is no partition for the month, and the role may not make one: GRANT EXECUTE ON FUNCTION audit_ensure_partition(timestamptz)',
};

const OUT_OF_WINDOW: Acknowledgement = {
  status: 'rejected',
  reason: 'the time is outside the partitions there are, and outside the window of -400 to +2 days in which a writer makes one',
};
