/** A trail as it was exported from Application Insights: envelopes, or rows of a query over `customEvents` with their `customDimensions`. */

import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { type AuditEnvelope, recordsFromEnvelopes } from '../../exporters/azure/envelope/rebuild.js';
import { AuditError } from '../errors.js';
import { isIntact } from '../journal/chain.js';
import type { AuditRecord, JournalledRecord } from '../record.js';
import { compileFilter, type RecordFilter } from './filter.js';
import { hashesOf } from './hashes.js';
import { newestOf } from './newest.js';
import type { FullEntry, StoredCheckpoint, Trail } from './trail.js';

/**
 * A JSON array, JSON Lines, or the answer of the query API.
 *
 * @throws {AuditError} ERR_AUDIT_TRAIL if the file is none of these
 */
export function openAzureTrail(file: string): Trail {
  const { records, incomplete } = recordsFromEnvelopes(readEnvelopes(file));
  const chained = records.filter(isJournalled);
  const only = async function* (filter: RecordFilter): AsyncGenerator<JournalledRecord> {
    yield* chained.filter(compileFilter(filter));
  };
  const batches = async function* (since: string | undefined): AsyncGenerator<readonly FullEntry[]> {
    const taken = since === undefined ? chained : chained.filter((record) => record.observedTime >= since);
    yield taken.map((record) => (isIntact(record) ? { record, where: file } : { record, fault: 'wrong-hash', where: file }));
  };
  return {
    name: file,
    isOrdered: false,
    isComplete: false,
    entries: batches,
    fullEntries: batches,
    async *checkpoints(): AsyncGenerator<StoredCheckpoint> {
      for (const { action, kind, integrity, metadata } of chained) {
        if (action === 'audit.checkpoint' && kind === 'lifecycle') yield { stream: integrity.stream, content: metadata, place: 'record' };
      }
    },
    hashes: (range) => hashesOf(batches(undefined), range),
    removed: async () => [],
    faults: async () => incomplete.map((id) => ({ kind: 'missing', detail: `a part of the record ${id} is not in the export` })),
    search: (filter, { limit }) => newestOf(only(filter), limit),
    async *follow() {},
    close: async () => undefined,
  };
}

/** By content: a line of ours is a record and begins with its action. */
export function isAzureExport(file: string): boolean {
  if (!file.endsWith('.json') && !file.endsWith('.jsonl')) return false;
  const beginning = beginningOf(file);
  return /"(?:customDimensions|baseData|tables)"/.test(beginning) && !beginning.startsWith('{"action":');
}

function beginningOf(file: string): string {
  const bytes = Buffer.alloc(65_536);
  const fd = openSync(file, 'r');
  try {
    return bytes.toString('utf8', 0, readSync(fd, bytes));
  } finally {
    closeSync(fd);
  }
}

function readEnvelopes(file: string): readonly AuditEnvelope[] {
  try {
    return itemsOf(readFileSync(file, 'utf8')).flatMap(envelopesOf);
  } catch (cause) {
    throw new AuditError('ERR_AUDIT_TRAIL', `${file} is no export of Application Insights: neither JSON nor JSON Lines`, { cause });
  }
}

function itemsOf(text: string): readonly unknown[] {
  const trimmed = text.trim();
  // An object on every line is JSON Lines; an object over many lines is one answer.
  if (trimmed.startsWith('{') && trimmed.includes('\n') && isJson(trimmed.slice(0, trimmed.indexOf('\n')))) {
    return trimmed.split('\n').map((line) => JSON.parse(line) as unknown);
  }
  const value = JSON.parse(trimmed) as unknown;
  return Array.isArray(value) ? value : [value];
}

interface QueryTable {
  readonly columns: readonly { readonly name: string }[];
  readonly rows: readonly (readonly unknown[])[];
}

function envelopesOf(item: unknown): readonly AuditEnvelope[] {
  const { data, tables, name, customDimensions } = (item ?? {}) as {
    readonly data?: { readonly baseData?: object };
    readonly tables?: readonly QueryTable[];
    readonly name?: unknown;
    readonly customDimensions?: unknown;
  };
  if (data?.baseData !== undefined) return [item as AuditEnvelope];
  if (tables !== undefined) return tables.flatMap(({ columns, rows }) => rows.flatMap((row) => envelopesOf(rowOf(columns, row))));
  const properties = typeof customDimensions === 'string' ? (JSON.parse(customDimensions) as unknown) : customDimensions;
  return properties === undefined ? [] : [{ data: { baseData: { name: String(name), properties: properties as Record<string, string> } } }];
}

function rowOf(columns: QueryTable['columns'], row: readonly unknown[]): object {
  return Object.fromEntries(columns.map((column, index) => [column.name, row[index]]));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isJournalled(record: AuditRecord): record is JournalledRecord {
  return record.integrity?.hash !== undefined;
}
