/** Records that a prune dropped by rule, as the record of the prune says. */

import type { AuditRecord } from '../record.js';

export interface PrunedRange {
  readonly stream: string;
  readonly epoch: number;
  readonly fromSeq: number;
  readonly toSeq: number;
}

/** Of an `audit.prune` record: `metadata.dropped`, a list of ranges. Anything else names none. */
export function prunedRanges({ action, metadata }: AuditRecord): readonly PrunedRange[] {
  const dropped = metadata?.['dropped'];
  if (action !== 'audit.prune' || !Array.isArray(dropped)) return [];
  return dropped.filter(isRange);
}

function isRange(value: unknown): value is PrunedRange {
  const { stream, epoch, fromSeq, toSeq } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return typeof stream === 'string' && Number.isInteger(epoch) && Number.isInteger(fromSeq) && Number.isInteger(toSeq);
}
