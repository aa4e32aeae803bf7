/** Routes each record to the journal exactly once, whether its span or its log record comes by first. */

import type { AuditRecord } from '../record.js';

/** Ids remembered at least: a record's two doors are passed within one tick, so this is generous. */
const REMEMBERED = 4096;

export interface Routing {
  /** Hands the record on, unless a record of this id was. */
  route(record: AuditRecord): void;
  isRouted(id: string): boolean;
  /** The record went another time: its span, which is about to end, must not be taken for another. */
  remember(id: string): void;
}

export function createRouting(accept: (record: AuditRecord) => void): Routing {
  let recent = new Set<string>();
  let older = new Set<string>();
  const isRouted = (id: string): boolean => recent.has(id) || older.has(id);
  const remember = (id: string): void => {
    if (recent.size >= REMEMBERED) {
      older = recent;
      recent = new Set();
    }
    recent.add(id);
  };
  return {
    isRouted,
    remember,
    route(record) {
      if (isRouted(record.id)) return;
      remember(record.id);
      accept(record);
    },
  };
}
