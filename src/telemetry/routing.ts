/** Routes each record to the journal exactly once, whether its span or its log record comes by first. */

import type { AuditRecord } from '../record.js';

/** Ids remembered at least: a record's two doors are passed within one tick, so this is generous. */
const REMEMBERED = 4096;

export interface Routing {
  /** Hands the record on, unless a record of this id was. */
  route(record: AuditRecord): void;
  isRouted(id: string): boolean;
}

export function createRouting(accept: (record: AuditRecord) => void): Routing {
  let recent = new Set<string>();
  let older = new Set<string>();
  const isRouted = (id: string): boolean => recent.has(id) || older.has(id);
  return {
    isRouted,
    route(record) {
      if (isRouted(record.id)) return;
      if (recent.size >= REMEMBERED) {
        older = recent;
        recent = new Set();
      }
      recent.add(record.id);
      accept(record);
    },
  };
}
