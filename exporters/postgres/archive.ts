/** Copies whole partitions to compressed JSON Lines, each with a manifest that says what it holds. Removes nothing. */

import { createHash } from 'node:crypto';
import { createWriteStream, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { ClientBase } from 'pg';
import { canonicalize } from '../../src/canonical.js';
import type { AuditIntegrity, JournalledRecord } from '../../src/record.js';
import { type DatabaseAccess, withConnection } from './connection.js';
import { fromRow, SELECT_LIST } from './row.js';

/** `<partition>.manifest.json`, beside the file it speaks of. */
export interface ArchiveManifest {
  /** Of this form. */
  readonly version: 1;
  /** `<partition>.jsonl.gz`: a record a line, in RFC 8785 form, by stream, epoch and seq. */
  readonly file: string;
  /** SHA-256 of the file, lower-case hex. */
  readonly sha256: string;
  readonly records: number;
  /** Times of the first and the last of them. */
  readonly from: string;
  readonly to: string;
  /** Unbroken runs of the hash chains: where one run ends and none follows, records were missing when this was written. */
  readonly runs: readonly ArchivedRun[];
  /** Ids of records that do not match their own hash: they were altered in the database. Archived as they are. */
  readonly altered: readonly string[];
}

export interface ArchivedRun {
  readonly stream: string;
  readonly epoch: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Of the first record. */
  readonly prevHash: string;
  /** Of the last record. */
  readonly hash: string;
}

export interface ArchivedFile {
  readonly manifest: ArchiveManifest;
  /** SHA-256 of the manifest as it was written; kept elsewhere, it vouches for all the rest. */
  readonly manifestSha256: string;
}

export interface ArchiveOptions {
  /** Made if it is not there. Files of an earlier archive of the same partition are replaced. */
  readonly directory: string;
  /** Partitions that end by then. */
  readonly before: Date;
}

const TIMEOUT_MS = 3_600_000;
const FETCH = 1000;

/** @throws {AuditError} ERR_AUDIT_EXPORTER if the database or the directory fails; files that are complete stay */
export function archive(access: DatabaseAccess, { directory, before }: ArchiveOptions): Promise<readonly ArchivedFile[]> {
  return withConnection(access, { what: 'not (all) archived', statementTimeoutMs: TIMEOUT_MS }, async (client) => {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const files: ArchivedFile[] = [];
    for (const partition of await endedBefore(client, before)) {
      const file = await archivePartition(client, partition, directory);
      if (file !== undefined) files.push(file);
    }
    return files;
  });
}

async function endedBefore(client: ClientBase, before: Date): Promise<readonly string[]> {
  const { rows } = await client.query<{ readonly name: string }>(
    `SELECT inhrelid::regclass::text AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
     WHERE inhparent = 'audit_logs'::regclass
       AND (regexp_match(pg_get_expr(relpartbound, inhrelid), 'TO \\(''([^'']+)''\\)'))[1]::timestamptz <= $1 ORDER BY relname`,
    [before],
  );
  return rows.map(({ name }) => name);
}

/** Undefined for an empty partition. */
async function archivePartition(client: ClientBase, partition: string, directory: string): Promise<ArchivedFile | undefined> {
  const name = partition.slice(partition.lastIndexOf('.') + 1);
  const file = `${name}.jsonl.gz`;
  const tally = createTally();
  const hash = createHash('sha256');
  const records = recordsOf(client, partition);
  const first = await records.next();
  if (first.done === true) return undefined;
  await writeWhole(join(directory, file), linesOf(first.value, records, tally), createGzip(), hashing(hash));
  const manifest: ArchiveManifest = { version: 1, file, sha256: hash.digest('hex'), ...tally.result() };
  const text = `${JSON.stringify(manifest, undefined, 2)}\n`;
  await writeWhole(join(directory, `${name}.manifest.json`), [text]);
  return { manifest, manifestSha256: createHash('sha256').update(text).digest('hex') };
}

/** Of one moment: in a transaction that sees no later rows. Reading through the table, as row level security wants it. */
async function* recordsOf(client: ClientBase, partition: string): AsyncGenerator<readonly JournalledRecord[]> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    await client.query(
      `DECLARE rows NO SCROLL CURSOR FOR SELECT ${SELECT_LIST} FROM audit_logs
       WHERE tableoid = '${partition}'::regclass ORDER BY audit_logs.stream, audit_logs.epoch, audit_logs.seq`,
    );
    for (;;) {
      const { rows } = await client.query(`FETCH ${FETCH} FROM rows`);
      if (rows.length === 0) return;
      yield rows.map(fromRow);
    }
  } finally {
    await client.query('ROLLBACK');
  }
}

async function* linesOf(
  first: readonly JournalledRecord[],
  others: AsyncIterable<readonly JournalledRecord[]>,
  tally: Tally,
): AsyncGenerator<string> {
  yield first.map(tally.line).join('');
  for await (const records of others) yield records.map(tally.line).join('');
}

interface Tally {
  /** The record's line, with its line feed. */
  line(record: JournalledRecord): string;
  result(): Pick<ArchiveManifest, 'records' | 'from' | 'to' | 'runs' | 'altered'>;
}

function createTally(): Tally {
  const runs: ArchivedRun[] = [];
  const altered: string[] = [];
  let records = 0;
  let from = '9999';
  let to = '';
  let last: AuditIntegrity | undefined;
  return {
    line(record) {
      const { hash, ...link } = record.integrity;
      records += 1;
      if (record.time < from) from = record.time;
      if (record.time > to) to = record.time;
      const { stream, epoch, seq, prevHash } = link;
      const run = runs.at(-1);
      if (run !== undefined && last?.stream === stream && last.epoch === epoch && last.seq + 1 === seq && last.hash === prevHash)
        runs[runs.length - 1] = { ...run, lastSeq: seq, hash };
      else runs.push({ stream, epoch, firstSeq: seq, lastSeq: seq, prevHash, hash });
      last = record.integrity;
      if (
        createHash('sha256')
          .update(canonicalize({ ...record, integrity: link }))
          .digest('hex') !== hash
      )
        altered.push(record.id);
      return `${canonicalize(record)}\n`;
    },
    result: () => ({ records, from, to, runs, altered }),
  };
}

function hashing(hash: ReturnType<typeof createHash>): Transform {
  return new Transform({
    transform(chunk, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
}

/** Under its name only when it is complete and on the disk. */
async function writeWhole(path: string, lines: Iterable<string> | AsyncIterable<string>, ...steps: readonly Transform[]): Promise<void> {
  await pipeline([Readable.from(lines), ...steps, createWriteStream(`${path}.partial`, { mode: 0o600, flush: true })]);
  renameSync(`${path}.partial`, path);
}
