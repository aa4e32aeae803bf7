/** Makes the record of a row change: under the same id from the same row, whoever relays it, but for what may be a repetition. */

import { createHash } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { type AuditRecord, type AuditService, type JsonObject, SCHEMA_VERSION } from '../record.js';
import { boundRecord } from '../record-bounds.js';
import { parseContext } from './change-context.js';
import { type ChangeRow, changeOf } from './change-row.js';

export interface ChangeRecordParts {
  /** Of `audit.installation`: ids of two databases never meet. */
  readonly installation: string;
  readonly service: AuditService;
  /** Redacts the values of columns: a secret may stand in any of them. */
  readonly redact: (value: unknown) => unknown;
  /**
   * The row may have been relayed before. The record then has an id of its own and names the other: its place in the chain is its
   * own as well, so that under one id a sink would find two that differ, and a verification miss one of them.
   */
  readonly mayRepeat: boolean;
}

const PAST: Readonly<Record<ChangeRow['operation'], string>> = {
  insert: 'inserted',
  update: 'updated',
  delete: 'deleted',
  truncate: 'truncated',
};

/** Work that no request asked for, or that came by another way than through us. */
const UNKNOWN = { id: 'unknown', type: 'system', source: 'database', verified: false };

export function changeRecordOf(row: ChangeRow, { installation, service, redact, mayRepeat }: ChangeRecordParts): AuditRecord {
  const context = parseContext(row.context);
  const id = idOf(row, installation);
  return boundRecord({
    id: mayRepeat ? uuidv7({ msecs: Date.parse(row.changed_at) }) : id,
    schemaVersion: SCHEMA_VERSION,
    kind: 'change',
    refersTo: context?.id,
    time: row.changed_at,
    observedTime: row.changed_at,
    action: `${row.table_name}.${PAST[row.operation]}`,
    outcome: 'success',
    actor: context === undefined ? UNKNOWN : context.actor,
    tenant: context?.tenant,
    target: { type: row.table_name, id: row.new_row_id ?? row.row_id ?? undefined },
    request: context && { id: context.requestId, method: context.method, path: context.path },
    trace: context?.trace,
    service: context === undefined ? service : { ...service, name: context.service },
    changes: [redact(changeOf(row)) as JsonObject],
    metadata: mayRepeat ? { mayRepeat: id } : undefined,
  });
}

/** A UUIDv7 of the time of the change, with a hash of what names the row in the place of randomness. */
function idOf({ id, changed_at }: ChangeRow, installation: string): string {
  const time = Date.parse(changed_at).toString(16).padStart(12, '0');
  const hash = createHash('sha256').update(`${installation}:${id}`).digest('hex');
  const variant = ((Number.parseInt(hash.slice(3, 4), 16) & 3) | 8).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hash.slice(0, 3)}-${variant}${hash.slice(4, 7)}-${hash.slice(7, 19)}`;
}
