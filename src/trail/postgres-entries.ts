/** Every row of `audit_logs`, each judged as it comes. */

import type { ClientBase } from 'pg';
import { reasonOf } from '../../exporters/postgres/errors.js';
import { copyPlaces, copyRecords, type StoredRecord } from '../../exporters/postgres/index.js';
import { AuditError } from '../errors.js';
import { everything } from './postgres-sql.js';
import type { FullEntry, TrailEntry } from './trail.js';

/** One statement, so of one moment. */
export function readEntries(client: ClientBase, since: string | undefined): AsyncGenerator<readonly TrailEntry[]> {
  return judged(copyPlaces(client, everything(since)));
}

export function readFullEntries(client: ClientBase, since: string | undefined): AsyncGenerator<readonly FullEntry[]> {
  return judged(copyRecords(client, everything(since)));
}

async function* judged<Whole>(batches: AsyncGenerator<readonly StoredRecord<Whole>[]>): AsyncGenerator<readonly TrailEntry<Whole>[]> {
  try {
    for (;;) {
      const { done, value: stored } = await guarded(() => batches.next());
      if (done === true) return;
      yield stored.map(entryOf);
    }
  } finally {
    await batches.return(undefined);
  }
}

function entryOf<Whole>({ isWhole, record }: StoredRecord<Whole>): TrailEntry<Whole> {
  if (isWhole) return { record, where: TABLE };
  return record === undefined ? { fault: 'wrong-hash', where: `a row of ${TABLE}` } : { record, fault: 'wrong-hash', where: TABLE };
}

const TABLE = 'audit_logs';

/** @throws {AuditError} ERR_AUDIT_TRAIL for whatever the database says */
export async function guarded<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (cause) {
    throw new AuditError('ERR_AUDIT_TRAIL', `the database cannot be read: ${reasonOf(cause)}`, { cause });
  }
}
