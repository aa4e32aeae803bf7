/**
 * Follows `audit.changes` and hands every committed change on, at least once and in the order of commitment's horizon: only
 * transactions older than every one still running are read, so none can appear behind the cursor later.
 */

import type { ClientBase } from 'pg';
import { AuditError, messageOf } from '../errors.js';
import { CHANGE_COLUMNS, type ChangePlace, type ChangeRow } from './change-row.js';

/** To the service's database. */
export interface RelayConnection {
  readonly client: ClientBase;
  close(): Promise<void>;
  /** Cuts the line: a running query fails at once. */
  destroy(): void;
}

export interface RelaySource {
  readonly connect: () => Promise<RelayConnection>;
  /** Names the cursor: two processes that deliver to the same places share it, and one of them relays. */
  readonly destination: string;
  /** Of this process among those. */
  readonly holder: string;
}

export interface RelayedBatch {
  readonly rows: readonly ChangeRow[];
  /** Of `audit.installation`. */
  readonly installation: string;
  /** They may have been stored before: by a relay that ended without a word, or by this one, which was not told. */
  readonly mayRepeat: boolean;
}

export interface RelayOptions extends RelaySource {
  /** Resolves to true once the rows are durable; only then does the cursor move. */
  readonly store: (batch: RelayedBatch) => Promise<boolean>;
  readonly warn: (key: string, message: string) => void;
  readonly pollMs?: number | undefined;
}

export interface Relay {
  /** Looks now. */
  nudge(): void;
  /** Idempotent. */
  stop(): Promise<void>;
}

// 50 records are half a millisecond of the main thread, which puts them into the journal.
const BATCH = 50;
const POLL_MS = 1000;
const MAX_BACKOFF_MS = 30_000;
/** A network that swallows everything must not end the relaying. */
const STEP_MS = 20_000;
/** A relay that dies is replaced after this long. */
const LEASE_MS = 15_000;
const DAY_MS = 86_400_000;

const CLAIM = `UPDATE audit.relays SET holder = $2, held_until = now() + ($3 || ' ms')::interval
  FROM (SELECT holder FROM audit.relays WHERE destination = $1 FOR UPDATE) AS former
  WHERE destination = $1 AND (relays.holder = $2 OR held_until < now())
  RETURNING xact::text, id::text, coalesce(former.holder <> $2, false) AS is_inherited`;
// Without a holder, unless a batch was under way: then whoever comes next has to expect it.
const RELEASE = `UPDATE audit.relays SET held_until = '-infinity', holder = CASE WHEN $3 THEN holder END WHERE destination = $1 AND holder = $2`;
const ADVANCE = 'UPDATE audit.relays SET xact = $3::xid8, id = $4 WHERE destination = $1 AND holder = $2';
// A cursor ahead of the server's own count is of another server: the database was restored into this one. The order names the
// table, or it would be that of the texts.
const READ = `SELECT ${CHANGE_COLUMNS} FROM audit.changes
  WHERE ((changes.xact, changes.id) > ($1::xid8, $2::bigint) OR $1::xid8 > pg_snapshot_xmax(pg_current_snapshot()))
    AND changes.xact < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY changes.xact, changes.id LIMIT ${BATCH}`;

interface Claim extends ChangePlace {
  /** From a holder that did not let go of it: a batch may be stored of which the cursor knows nothing. */
  readonly is_inherited: boolean;
}

export function startRelay(options: RelayOptions): Relay {
  const { connect, destination, holder, store, warn, pollMs = POLL_MS } = options;
  let connection: RelayConnection | undefined;
  let installation = '';
  let partitionsMadeAt = Number.NEGATIVE_INFINITY;
  let isUncertain = false;
  let known: ChangePlace | undefined;
  let repeatsTo: ChangePlace | undefined;
  let isStopping = false;
  let wake: () => void = () => undefined;
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    let waitMs = 0;
    let backoffMs = pollMs;
    while (!isStopping) {
      if (waitMs > 0) await pause(waitMs);
      if (isStopping) break;
      try {
        waitMs = (await step()) === BATCH ? 0 : pollMs;
        backoffMs = pollMs;
      } catch (error) {
        // What was under way when it had to end comes again.
        if (isStopping) break;
        await disconnect();
        warn('changes', `row changes wait in the database: ${reasonOf(error)}`);
        waitMs = backoffMs;
        backoffMs = Math.min(2 * backoffMs, MAX_BACKOFF_MS);
      }
    }
    await connection?.client.query(RELEASE, [destination, holder, isUncertain]).catch(() => undefined);
    await disconnect();
  }

  /** One batch; how many rows it had. */
  async function step(): Promise<number> {
    connection ??= await open();
    const { client, destroy } = connection;
    const deadline = setTimeout(destroy, STEP_MS).unref();
    try {
      return await relayBatch(client);
    } finally {
      clearTimeout(deadline);
    }
  }

  async function relayBatch(client: ClientBase): Promise<number> {
    const { rows: claims } = await client.query<Claim>(CLAIM, [destination, holder, LEASE_MS]);
    const [cursor] = claims;
    if (cursor === undefined) return 0;
    // Somebody who set the cursor back, or a database that was restored, has all of it relayed again.
    if (known !== undefined && comesBefore(cursor, known)) repeatsTo = known;
    if (cursor.is_inherited) isUncertain = true;
    if (Date.now() - partitionsMadeAt > DAY_MS) {
      partitionsMadeAt = Date.now();
      // Only a precaution: a row without a partition goes to the default one.
      await client.query('SELECT audit.ensure_partitions()').catch(() => undefined);
    }
    const { rows } = await client.query<ChangeRow>(READ, [cursor.xact, cursor.id]);
    const last = rows.at(-1);
    if (last !== undefined) {
      const mayRepeat = isUncertain || (repeatsTo !== undefined && !comesBefore(repeatsTo, rows[0] ?? last));
      isUncertain = true;
      if (!(await store({ rows, installation, mayRepeat }))) throw new Error('the journal did not take them');
      await client.query(ADVANCE, [destination, holder, last.xact, last.id]);
      known = last;
    }
    isUncertain = false;
    return rows.length;
  }

  async function open(): Promise<RelayConnection> {
    const opened = await connect();
    const { client } = opened;
    // A relay must not keep a process alive.
    (client as unknown as { unref(): void }).unref();
    connection = opened;
    const { rows } = await client.query<{ id: string }>('SELECT id FROM audit.installation');
    installation = rows[0]?.id ?? '';
    await client.query('INSERT INTO audit.relays (destination) VALUES ($1) ON CONFLICT DO NOTHING', [destination]);
    return opened;
  }

  async function disconnect(): Promise<void> {
    const gone = connection;
    connection = undefined;
    await gone?.close();
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  running = run();
  return {
    nudge: () => wake(),
    async stop() {
      isStopping = true;
      wake();
      await running;
    },
  };
}

function comesBefore(one: ChangePlace, other: ChangePlace): boolean {
  return one.xact === other.xact ? BigInt(one.id) < BigInt(other.id) : BigInt(one.xact) < BigInt(other.xact);
}

/** By its code: a message may quote a value or the URL. */
function reasonOf(error: unknown): string {
  if (error instanceof AuditError) return error.message;
  const { code } = error as { readonly code?: unknown };
  if (code === '42P01' || code === '3F000') return 'nothing is tracked there; run `otel-audit track`';
  if (code === '42501') return 'the role of AUDIT_CHANGES_URL may not read audit.changes or write audit.relays';
  return typeof code === 'string' ? `the database failed (${code})` : messageOf(error).slice(0, 100);
}
