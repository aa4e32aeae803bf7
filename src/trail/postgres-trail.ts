/** A trail in Postgres, read in one snapshot and in batches. Needs SELECT on `audit_logs` and `audit_checkpoints`, and nothing else. */

import { setTimeout as pause } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import { connect, type DatabaseAccess } from '../../exporters/postgres/connection.js';
import { fromRow } from '../../exporters/postgres/index.js';
import type { SeqRange } from '../integrity/seq-range.js';
import type { JournalledRecord } from '../record.js';
import type { RecordFilter } from './filter.js';
import { placeOf } from './place.js';
import { guarded, readEntries, readFullEntries } from './postgres-entries.js';
import { arriving, matching, type Statement } from './postgres-sql.js';
import type { StoredCheckpoint, StoreFault, Trail } from './trail.js';

/** @throws {AuditError} ERR_AUDIT_TRAIL if the database cannot be reached or has no audit tables that this role may read */
export async function openPostgresTrail(access: DatabaseAccess): Promise<Trail> {
  const { url } = access;
  // No statement timeout: sorting a large trail takes as long as it takes.
  const connection = await guarded(() => connect({ ...access, statementTimeoutMs: 0 }));
  const { client } = connection;
  try {
    await guarded(() => client.query('SELECT FROM audit_logs LIMIT 0'));
  } catch (error) {
    await connection.close();
    throw error;
  }
  return {
    name: placeOf(url),
    isOrdered: false,
    isComplete: true,
    entries: (since) => readEntries(client, since),
    fullEntries: (since) => readFullEntries(client, since),
    checkpoints: () => checkpointsOf(client),
    hashes: (range) => guarded(() => hashesOf(client, range)),
    removed: () => guarded(() => removedOf(client)),
    faults: () => guarded(() => faultsOf(client)),
    search: (filter, { limit }) => searchRows(client, matching(filter, limit)),
    follow: (filter, signal) => followRows(access, filter, signal),
    close: () => connection.close(),
  };
}

async function* searchRows(client: ClientBase, statement: Statement): AsyncGenerator<JournalledRecord> {
  for await (const rows of rowsOf(client, statement)) yield* rows.map(fromRow);
}

async function* checkpointsOf(client: ClientBase): AsyncGenerator<StoredCheckpoint> {
  const inRecords = "SELECT stream, metadata AS content FROM audit_logs WHERE action = 'audit.checkpoint' AND kind = 'lifecycle'";
  for await (const rows of rowsOf(client, { text: inRecords, values: [] })) yield* rows.map((row) => stored(row, 'record'));
  if (!(await guarded(() => hasTable(client, 'audit_checkpoints')))) return;
  const inTable = 'SELECT stream, content FROM audit_checkpoints';
  for await (const rows of rowsOf(client, { text: inTable, values: [] })) yield* rows.map((row) => stored(row, 'table'));
}

function stored({ stream, content }: Row, place: StoredCheckpoint['place']): StoredCheckpoint {
  return { stream: String(stream), content, place };
}

async function hasTable(client: ClientBase, name: string): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [name]);
  return rows[0]?.there === true;
}

async function hashesOf(client: ClientBase, { stream, epoch, fromSeq, toSeq }: SeqRange): Promise<readonly string[]> {
  const { rows } = await client.query<{ hash: string }>(
    'SELECT hash FROM audit_logs WHERE stream = $1 AND epoch = $2 AND seq BETWEEN $3 AND $4 ORDER BY seq',
    [stream, epoch, fromSeq, toSeq],
  );
  return rows.map(({ hash }) => hash);
}

async function removedOf(client: ClientBase): Promise<readonly SeqRange[]> {
  if (!(await hasTable(client, 'audit_removed_ranges'))) return [];
  const { rows } = await client.query<SeqRange>(
    'SELECT stream, epoch, first_seq::float8 AS "fromSeq", last_seq::float8 AS "toSeq" FROM audit_removed_ranges ORDER BY stream, epoch, first_seq',
  );
  return rows;
}

// Days of which a checkpoint speaks and that no partition holds. The bounds are read as the catalogue prints them.
const GONE = `SELECT to_char(day, 'YYYY-MM-DD') AS day
  FROM (SELECT DISTINCT date_trunc('day', occurred_at AT TIME ZONE 'UTC') AS day FROM audit_checkpoints) AS days
  WHERE NOT EXISTS (
    SELECT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid,
      LATERAL regexp_match(pg_get_expr(relpartbound, oid), 'FROM \\(''([^'']+)''\\) TO \\(''([^'']+)''\\)') AS bound
    WHERE inhparent = to_regclass('audit_logs')
      AND day >= bound[1]::timestamptz AT TIME ZONE 'UTC' AND day < bound[2]::timestamptz AT TIME ZONE 'UTC')`;
const REMOVED = `AND NOT EXISTS (SELECT FROM audit_removals
  WHERE day BETWEEN date_trunc('day', occurred_from AT TIME ZONE 'UTC') AND occurred_to AT TIME ZONE 'UTC')`;

// The primary key keeps an id and a time apart, not two times of one id.
const TWICE = `SELECT id::text AS id, count(*)::int AS times, count(DISTINCT hash)::int AS hashes FROM audit_logs GROUP BY id HAVING count(*) > 1 LIMIT 100`;

async function faultsOf(client: ClientBase): Promise<readonly StoreFault[]> {
  const faults: StoreFault[] = [];
  if (await hasTable(client, 'audit_checkpoints')) {
    const byRule = (await hasTable(client, 'audit_removals')) ? REMOVED : '';
    const { rows } = await client.query<{ day: string }>(`${GONE} ${byRule} ORDER BY 1`);
    const days = daysOf(rows.map(({ day }) => day));
    if (rows.length > 0) faults.push({ kind: 'missing', detail: `no partition holds ${days}, of which checkpoints speak: it was dropped` });
  }
  const { rows: twins } = await client.query<{ id: string; times: number; hashes: number }>(TWICE);
  for (const { id, times, hashes } of twins) {
    const detail = `the record ${id} is there ${times} times, with ${hashes} different hashes`;
    faults.push({ kind: hashes > 1 ? 'foreign' : 'replayed', detail });
  }
  return faults;
}

function daysOf(days: readonly string[]): string {
  return days.length === 1 ? String(days[0]) : `${days.length} days from ${days[0]} to ${days.at(-1)}`;
}

// A person who watches does not notice less.
const LOOK_MS = 500;
/** How long a record may take from being recorded to the database. */
const ARRIVAL_MS = 60_000;
/** How long a request may take: it happened when it began. */
const DURATION_MS = 3_600_000;

/** On a connection of its own: the trail may be searched meanwhile. */
async function* followRows(access: DatabaseAccess, filter: RecordFilter, signal: AbortSignal): AsyncGenerator<JournalledRecord> {
  const begunAt = new Date().toISOString();
  const connection = await guarded(() => connect({ ...access, statementTimeoutMs: 0 }));
  const seen = new Map<string, number>();
  try {
    yield* (await lookAgain(connection.client, filter, seen)).filter(({ observedTime }) => observedTime >= begunAt);
    while (!signal.aborted) {
      await pause(LOOK_MS, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) yield* await lookAgain(connection.client, filter, seen);
    }
  } finally {
    await connection.close();
  }
}

/** What arrived since the last look. `seen`: ids, and when; forgotten when they cannot come again. */
async function lookAgain(client: ClientBase, filter: RecordFilter, seen: Map<string, number>): Promise<readonly JournalledRecord[]> {
  const nowMs = Date.now();
  for (const [id, seenMs] of seen) if (seenMs < nowMs - 2 * ARRIVAL_MS) seen.delete(id);
  const { text, values } = arriving(filter, new Date(nowMs - DURATION_MS), new Date(nowMs - ARRIVAL_MS));
  const { rows } = await guarded(() => client.query<Row>(text, [...values]));
  const fresh = rows.map(fromRow).filter(({ id }) => !seen.has(id));
  for (const { id } of fresh) seen.set(id, nowMs);
  return fresh;
}

/** Rows a fetch: about 2 MB of records. */
const BATCH = 1000;

type Row = Readonly<Record<string, unknown>>;

/** Through a cursor, in one snapshot. */
async function* rowsOf(client: ClientBase, { text, values }: Statement): AsyncGenerator<readonly Row[]> {
  await guarded(() => client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY'));
  try {
    await guarded(() => client.query(`DECLARE audit_rows NO SCROLL CURSOR FOR ${text}`, [...values]));
    for (;;) {
      const { rows } = await guarded(() => client.query<Row>(`FETCH ${BATCH} FROM audit_rows`));
      if (rows.length === 0) return;
      yield rows;
    }
  } finally {
    // Whatever ended the reading; on a lost connection there is nothing left to end.
    await client.query('ROLLBACK').catch(() => undefined);
  }
}
