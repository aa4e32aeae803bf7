/** Stores rows in as few statements as the worst of them allows. A bad row never takes good ones with it. */

import { isDeepStrictEqual } from 'node:util';
import type { ClientBase } from 'pg';
import type { Acknowledgement } from '../../src/exporter.js';
import type { RecordLine } from '../../src/record-line.js';
import { type Contradictions, DIFFERS } from './contradictions.js';
import { faultOf, reasonOf, refusesRole } from './errors.js';
import { type ToRowOptions, toRow } from './row.js';
import type { Insertion } from './statement.js';

/** A row on its way, with its record's place in the batch. */
export interface PendingRow {
  readonly index: number;
  readonly line: RecordLine;
}

export interface Batch {
  readonly client: ClientBase;
  readonly insertion: Insertion;
  readonly contradictions: Contradictions;
  readonly acknowledgements: (Acknowledgement | undefined)[];
}

/**
 * Fills in what became of each record. Throws at the first fault that is not a row's own; entries still empty then are
 * of records whose fate is open.
 */
export async function storeRows(batch: Batch, rows: readonly PendingRow[]): Promise<void> {
  await store(batch, rows, false);
}

async function store(batch: Batch, rows: readonly PendingRow[], partitioned: boolean): Promise<void> {
  try {
    await offer(batch, rows);
  } catch (error) {
    const fault = faultOf(error);
    if (fault === 'transient') throw error;
    if (fault === 'poison') await storeApart(batch, rows, partitioned, error);
    else if (partitioned) settle(batch, rows, NO_PARTITION);
    else await storeByDay(batch, rows);
  }
}

/** Rows that are there already are delivered, unless what is there is something else. */
async function offer(batch: Batch, rows: readonly PendingRow[], options?: ToRowOptions): Promise<void> {
  const lines = rows.map(({ line }) => line);
  const stored = await batch.insertion.store(lines, options);
  const differing = stored === rows.length ? NONE : await batch.contradictions.find(lines.map(({ record }) => record));
  for (const [place, { index }] of rows.entries()) batch.acknowledgements[index] = differing.has(place) ? DIFFERS : DELIVERED;
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
  const { record } = pending.line;
  try {
    if (isDeepStrictEqual(toRow(record, BODIES_ASIDE), toRow(record))) throw error;
    await offer(batch, [pending], BODIES_ASIDE);
  } catch (thrown) {
    if (faultOf(thrown) === 'transient') throw thrown;
    settle(batch, [pending], { status: 'rejected', reason: reasonOf(thrown) });
  }
}

async function storeByDay(batch: Batch, rows: readonly PendingRow[]): Promise<void> {
  for (const [day, own] of byDay(rows)) {
    if (day === undefined) settle(batch, own, { status: 'rejected', reason: 'the time is not a time' });
    else if (await ensurePartition(batch.client, day)) await store(batch, own, true);
    else settle(batch, own, OUT_OF_WINDOW);
  }
}

/** False if the time is one for which writers may make none. A role that may not ask goes on with the partitions there are. */
async function ensurePartition(client: ClientBase, day: string): Promise<boolean> {
  try {
    const { rows } = await client.query<{ ready: boolean }>('SELECT audit_ensure_partition($1) AS ready', [day]);
    return rows[0]?.ready === true;
  } catch (error) {
    if (refusesRole(error)) return true;
    throw error;
  }
}

function settle({ acknowledgements }: Batch, rows: readonly PendingRow[], acknowledgement: Acknowledgement): void {
  for (const { index } of rows) acknowledgements[index] = acknowledgement;
}

function byDay(rows: readonly PendingRow[]): ReadonlyMap<string | undefined, readonly PendingRow[]> {
  const days = new Map<string | undefined, PendingRow[]>();
  for (const row of rows) {
    const day = dayOf(row.line);
    const group = days.get(day);
    if (group === undefined) days.set(day, [row]);
    else group.push(row);
  }
  return days;
}

/** Its first moment. */
function dayOf({ record }: RecordLine): string | undefined {
  const ms = Date.parse(record.time);
  return Number.isNaN(ms) ? undefined : `${new Date(ms).toISOString().slice(0, 'YYYY-MM-DD'.length)}T00:00:00.000Z`;
}

const BODIES_ASIDE: ToRowOptions = { bodiesAside: true };
const NONE: ReadonlySet<number> = new Set();
const DELIVERED: Acknowledgement = { status: 'delivered' };

const NO_PARTITION: Acknowledgement = {
  status: 'retry',
  reason:
    'there is no partition for the time, and the role may not make one: GRANT EXECUTE ON FUNCTION audit_ensure_partition(timestamptz)',
};

const OUT_OF_WINDOW: Acknowledgement = {
  status: 'rejected',
  reason: 'the time is outside the partitions there are, and outside the window of -400 to +2 days in which a writer makes one',
};
