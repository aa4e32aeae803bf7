/** Brings archived records back into a database, once each, after checking that the archive is what its manifest says. */

import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { ClientBase } from 'pg';
import { AuditError } from '../../src/errors.js';
import type { Acknowledgement } from '../../src/exporter.js';
import type { JournalledRecord } from '../../src/record.js';
import { lineOf } from '../../src/record-line.js';
import type { ArchiveManifest } from './archive.js';
import { type DatabaseAccess, withConnection } from './connection.js';
import { createContradictions } from './contradictions.js';
import { partsOf } from './parts.js';
import { Insertion } from './statement.js';
import { storeRows } from './store.js';

export interface Restored {
  readonly file: string;
  readonly records: number;
  /** Reasons, each with the number of records that could not be stored for it. */
  readonly rejected: Readonly<Record<string, number>>;
}

const TIMEOUT_MS = 60_000;
const BATCH = 1000;
const DAY_MS = 86_400_000;

/**
 * Every archive in a directory. Records that are there already are left as they are.
 *
 * @param access of the owner: it makes the partitions, which for old records no other may
 * @throws {AuditError} ERR_AUDIT_EXPORTER if a file is not the one its manifest speaks of, or the database refuses
 */
export function restore(access: DatabaseAccess, directory: string): Promise<readonly Restored[]> {
  return withConnection(access, { what: 'not (all) restored', statementTimeoutMs: TIMEOUT_MS }, async (client) => {
    const results: Restored[] = [];
    for (const manifest of manifestsIn(directory)) {
      const file = join(directory, manifest.file);
      await checkFile(file, manifest);
      await makePartitions(client, manifest);
      results.push({ file: manifest.file, ...(await storeFile(client, file)) });
    }
    return results;
  });
}

function manifestsIn(directory: string): readonly ArchiveManifest[] {
  const names = readdirSync(directory).filter((name) => name.endsWith('.manifest.json'));
  if (names.length === 0) throw new AuditError('ERR_AUDIT_EXPORTER', 'the directory holds no *.manifest.json');
  return names.sort().map((name) => readManifest(directory, name));
}

function readManifest(directory: string, name: string): ArchiveManifest {
  const manifest = parse(readFileSync(join(directory, name), 'utf8'));
  // Nothing else, so that no manifest can point out of its directory.
  if (manifest?.version !== 1 || manifest.file !== name.replace(/\.manifest\.json$/, '.jsonl.gz'))
    throw new AuditError('ERR_AUDIT_EXPORTER', `${name} is not a manifest that this version wrote`);
  return manifest;
}

function parse(text: string): ArchiveManifest | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function checkFile(file: string, { sha256 }: ArchiveManifest): Promise<void> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  if (hash.digest('hex') !== sha256) throw new AuditError('ERR_AUDIT_EXPORTER', `${file} is not the file its manifest speaks of`);
}

async function makePartitions(client: ClientBase, { from, to }: ArchiveManifest): Promise<void> {
  const last = Date.parse(to);
  for (let day = Date.parse(from); day < last + DAY_MS; day += DAY_MS)
    await client.query('SELECT audit_create_partition($1)', [new Date(Math.min(day, last))]);
}

async function storeFile(client: ClientBase, file: string): Promise<Omit<Restored, 'file'>> {
  const insertion = new Insertion(client);
  const contradictions = createContradictions(client);
  const rejected: Record<string, number> = {};
  let records = 0;
  const store = async (batch: readonly JournalledRecord[]): Promise<void> => {
    const acknowledgements: (Acknowledgement | undefined)[] = [];
    for (const rows of partsOf(batch.map(lineOf), acknowledgements))
      await storeRows({ client, insertion, contradictions, acknowledgements }, rows);
    records += batch.length;
    for (const answer of acknowledgements) {
      if (answer !== undefined && 'reason' in answer) rejected[answer.reason] = (rejected[answer.reason] ?? 0) + 1;
    }
  };
  let batch: JournalledRecord[] = [];
  for await (const line of createInterface({ input: createReadStream(file).pipe(createGunzip()), crlfDelay: Number.POSITIVE_INFINITY })) {
    batch.push(JSON.parse(line));
    if (batch.length < BATCH) continue;
    await store(batch);
    batch = [];
  }
  if (batch.length > 0) await store(batch);
  return { records, rejected };
}
